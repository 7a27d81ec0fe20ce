// The import directions of the project: schemas <- core <- sdk <- plugins, cli and core <- runtime, streams <- kernel.
// A sibling package is reached by its name, so it shows up here as its built door, <package>/dist.

/** Who may import whom; everything else between packages is refused. */
const ALLOWED = {
  schemas: [],
  core: ['schemas'],
  sdk: ['core', 'schemas'],
  runtime: ['core', 'schemas'],
  streams: ['core', 'schemas'],
  kernel: ['core', 'schemas', 'runtime', 'streams'],
  'plugins/[^/]+': ['sdk', 'schemas'],
  cli: ['sdk', 'schemas'],
};

const ANY_PACKAGE = '^(schemas|core|sdk|runtime|streams|kernel|cli|test|bench|plugins/[^/]+)/';

const directions = Object.entries(ALLOWED).map(([name, targets]) => ({
  name: `direction-${name.replace('/[^/]+', '')}`,
  comment: `${name} may import ${targets.join(' and ') || 'no other package'}, by name only`,
  severity: 'error',
  from: { path: `^(${name})/src/` },
  to: { path: ANY_PACKAGE, pathNot: ['^$1/src/', ...targets.map((target) => `^${target}/dist/`)] },
}));

/** Tests of a package may also use the harness, which imports no package itself. */
const testDirections = Object.entries(ALLOWED).map(([name, targets]) => ({
  name: `direction-${name.replace('/[^/]+', '')}-test`,
  comment: `tests of ${name} import their package, what it may import, and the harness`,
  severity: 'error',
  from: { path: `^(${name})/test/` },
  to: {
    path: ANY_PACKAGE,
    pathNot: ['^$1/(src|test|dist)/', '^test/harness/dist/', '^runtime/dist/test/', ...targets.map((target) => `^${target}/dist/`)],
  },
}));

export default {
  forbidden: [
    ...directions,
    ...testDirections,
    {
      name: 'no-cycle',
      comment: 'a cycle has no first module to read',
      severity: 'error',
      from: { pathNot: '^node_modules/' },
      to: { circular: true },
    },
    {
      name: 'no-unresolvable',
      comment: 'an import that cannot be resolved is checked by nobody',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-undeclared-dependency',
      comment: 'a dependency is declared in the package that uses it',
      severity: 'error',
      from: { path: '/src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'nats-only-in-core-bus',
      comment: 'only core/src/bus speaks to NATS',
      severity: 'error',
      from: { pathNot: '^core/src/bus/|(^|/)node_modules/' },
      to: { path: '(^|/)node_modules/(nats|nkeys\\.js|nats-jwt)/' },
    },
    {
      name: 'koffi-only-in-core-syscalls',
      comment: 'only core/src/syscalls makes system calls by koffi',
      severity: 'error',
      from: { pathNot: '^core/src/syscalls/|(^|/)node_modules/' },
      to: { path: '(^|/)node_modules/koffi/' },
    },
    {
      name: 'schemas-is-pure',
      comment: 'schemas opens no socket and starts no process',
      severity: 'error',
      from: { path: '^schemas/src/', pathNot: '^schemas/src/(generator|tools)/' },
      to: { dependencyTypes: ['core'], path: '^(node:)?(net|tls|http|https|http2|dgram|child_process|cluster|worker_threads)$' },
    },
    {
      name: 'harness-imports-no-package',
      comment: 'the harness is for the tests of every package, so it depends on none',
      severity: 'error',
      from: { path: '^test/harness/' },
      to: { path: '^(schemas|core|sdk|runtime|streams|kernel|cli|plugins/[^/]+)/' },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '/dist/'] },
    // Templates become plugins elsewhere; their imports are resolved there, and a test builds them.
    exclude: { path: ['\\.tap/', '^sdk/templates/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    combinedDependencies: false,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'default', 'node', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.d.ts', '.json'],
    },
  },
};
