/**
 * Reads what `tap --reporter=tap` writes for a list of test files, line by line.
 *
 * Counted are the tests of a file (indented by four), not their assertions and not the files: a test is a sentence
 * about behaviour. A file that fails without a failed test (it crashed, or its clean-up threw) counts as one failed
 * test, and so does a file that tap gave no result for, which happens to a file after one that timed out.
 */
export class TapReader {
  passed = 0;
  failed = 0;
  /** @type {{ file: string, test: string, reason: string }[]} */
  skipped = [];
  /** @type {{ name: string, ok: boolean, passed: number, failed: number }[]} */
  files = [];
  #expected;
  #onFile;
  #file = freshFile('');
  #rest = '';

  /**
   * @param {readonly string[]} files the files that tap was asked to run
   * @param {(file: { name: string, ok: boolean, tests: number, seconds: number, lines: readonly string[] }) => void} onFile
   */
  constructor(files, onFile) {
    this.#expected = new Set(files);
    this.#onFile = onFile;
  }

  /** @param {string} text */
  write(text) {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#read(line);
  }

  end() {
    if (this.#rest !== '') this.write('\n');
    for (const name of this.#expected) this.#fail(name, ['tap gave no result for this file']);
    this.#expected.clear();
  }

  #read(line) {
    const begun = /^# Subtest: (.+)$/.exec(line);
    if (begun !== null) this.#file = freshFile(begun[1]);
    this.#file.lines.push(line);
    const point = /^( *)(not )?ok \d+(?: - (.*))?$/.exec(line);
    if (point === null) return;
    const [, indent, not, text = ''] = point;
    if (indent.length === 0) this.#endFile(not === undefined, text);
    else this.#countPoint(indent.length, not === undefined, text);
  }

  #countPoint(depth, isOk, text) {
    const directive = /(?<!\\)# (SKIP|TODO)\b\s*(.*)$/i.exec(text);
    if (directive !== null) {
      const test = text.slice(0, directive.index).trim();
      const reason = directive[1].toUpperCase() === 'TODO' ? `todo ${directive[2]}` : directive[2];
      this.skipped.push({ file: this.#file.name, test, reason: reason.trim() });
      this.#file.tests += 1;
      return;
    }
    if (depth !== 4) return;
    this.#file.tests += 1;
    if (isOk) {
      this.passed += 1;
      this.#file.passed += 1;
    } else {
      this.failed += 1;
      this.#file.failed += 1;
    }
  }

  #endFile(isOk, text) {
    const seconds = Number(/ # time=([\d.]+)ms$/.exec(text)?.[1] ?? 0) / 1000;
    this.#file.seconds = seconds;
    const name = text.replace(/ # time=\S+$/, '').replace(/(?<!\\) # (SKIP|TODO).*$/i, '');
    // tap reports a time-out once for the file and once more as a point of its own.
    if (!this.#expected.delete(name)) return;
    const skip = /(?<!\\)# SKIP\s*(.*)$/i.exec(text);
    if (skip !== null && skip[1] !== 'no tests found') this.#skipFile(name, skip[1]);
    else if (this.#file.tests === 0 && isOk) this.#fail(name, [...this.#file.lines, 'the file has no test']);
    else if (!isOk && this.#file.failed === 0) this.#fail(name, this.#file.lines);
    else this.#report(name, isOk, this.#file.failed, this.#file.lines);
    this.#file = freshFile('');
  }

  #skipFile(name, reason) {
    this.skipped.push({ file: name, test: '(the whole file)', reason });
    this.#onFile({ name, ok: true, tests: 1, seconds: 0, lines: this.#file.lines });
  }

  #fail(name, lines) {
    this.failed += 1;
    this.#report(name, false, 1, lines);
  }

  #report(name, ok, failed, lines) {
    const { passed, tests, seconds } = this.#file;
    this.files.push({ name, ok, passed, failed });
    this.#onFile({ name, ok, tests: Math.max(tests, 1), seconds, lines });
  }
}

function freshFile(name) {
  return { name, tests: 0, passed: 0, failed: 0, seconds: 0, lines: [] };
}
