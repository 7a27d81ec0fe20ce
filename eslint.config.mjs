// Only what needs types or a syntax tree: everything quicker is biome's. See docs in CONTRIBUTING.md.
import tseslint from 'typescript-eslint';

const SIZE_LIMITS = {
  'max-lines': ['error', { max: 500, skipBlankLines: false, skipComments: false }],
  'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
  complexity: ['error', 15],
};

const TYPE_AWARE = {
  '@typescript-eslint/no-explicit-any': 'error',
  '@typescript-eslint/no-floating-promises': 'error',
  '@typescript-eslint/no-misused-promises': 'error',
  '@typescript-eslint/no-non-null-assertion': 'error',
  '@typescript-eslint/no-unsafe-argument': 'error',
  '@typescript-eslint/no-unsafe-assignment': 'error',
  '@typescript-eslint/no-unsafe-call': 'error',
  '@typescript-eslint/no-unsafe-member-access': 'error',
  '@typescript-eslint/no-unsafe-return': 'error',
  '@typescript-eslint/only-throw-error': 'error',
  '@typescript-eslint/switch-exhaustiveness-check': [
    'error',
    // A default clause on a number or a string is fine; on a union it must not hide a missing case.
    { considerDefaultExhaustiveForUnions: false, requireDefaultForNonUnion: false },
  ],
};

const TAP_CALLS = ['@tapjs/core', '@tapjs/test', 'tap'].map((name) => ({ from: 'package', package: name, name: 'test' }));

export default tseslint.config(
  { ignores: ['**/dist/**', '**/generated/**', '**/node_modules/**', '**/.tap/**', '**/*.mjs', '**/*.js', 'sdk/templates/**'] },
  {
    files: ['**/*.ts'],
    plugins: { '@typescript-eslint': tseslint.plugin },
    languageOptions: { parser: tseslint.parser, parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: TYPE_AWARE,
  },
  { files: ['**/src/**/*.ts'], rules: SIZE_LIMITS },
  {
    files: ['**/*.test.ts'],
    rules: {
      // tap itself waits for a test that is declared at the top of a file, and reports its failure.
      '@typescript-eslint/no-floating-promises': ['error', { allowForKnownSafeCalls: TAP_CALLS }],
    },
  },
);
