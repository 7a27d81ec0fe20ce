# Read by bin/test and bin/quickstart: makes sure that what they need is there. POSIX sh.
# The caller sets `root` (the repository) and `program` (its own name, for messages).

NODE_MINIMUM=20.15

fail() {
  echo "$program: $1" >&2
  exit 1
}

require_root() {
  [ "$(id -u)" = 0 ] || fail "needs root, because mounts, namespaces and cgroups do; run it with sudo"
}

require_node() {
  command -v node >/dev/null 2>&1 ||
    fail "needs Node.js $NODE_MINIMUM or later, and there is no node in PATH; see https://nodejs.org/en/download"
  node -e 'const [major, minor] = process.versions.node.split(".").map(Number)
    const [least, leastMinor] = process.argv[1].split(".").map(Number)
    process.exit(major > least || (major === least && minor >= leastMinor) ? 0 : 1)' "$NODE_MINIMUM" ||
    fail "needs Node.js $NODE_MINIMUM or later; this is $(node --version)"
  command -v npm >/dev/null 2>&1 || fail "needs npm, which comes with Node.js; there is no npm in PATH"
}

# install_missing PROGRAM:PACKAGE[|PACKAGE]... installs those of Debian's packages whose program is not in PATH. Of several
# names the first that this release of Debian knows is taken.
install_missing() {
  missing=
  for pair in "$@"; do
    PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
  done
  [ -n "$missing" ] || return 0
  command -v apt-get >/dev/null 2>&1 ||
    fail "needs$missing, and this is not Debian: install the programs of these Debian packages by hand"
  echo "$program: installing$missing"
  log=$(mktemp)
  # What is missing is a list of words.
  # shellcheck disable=SC2086
  if ! { apt-get update -q && apt_install $missing; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    fail "apt-get could not install$missing; its last lines are above"
  fi
  rm -f "$log"
}

apt_install() {
  packages=
  for names in "$@"; do
    package=${names##*|}
    first=${names%%|*}
    [ "$first" = "$package" ] || ! apt-cache show "$first" >/dev/null 2>&1 || package=$first
    packages="$packages $package"
  done
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $packages
}

# npm 11 runs no install scripts of dependencies and none is needed, so older ones are told not to either.
install_modules() {
  if [ -f "$root/node_modules/.package-lock.json" ] &&
    [ ! "$root/package-lock.json" -nt "$root/node_modules/.package-lock.json" ]; then
    return 0
  fi
  echo "$program: installing npm packages"
  log=$(mktemp)
  if ! (cd "$root" && npm ci --ignore-scripts --no-audit --no-fund) >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    fail "npm ci failed; its last lines are above"
  fi
  rm -f "$log"
}
