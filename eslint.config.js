import js from '@eslint/js';
import globals from 'globals';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist', 'coverage', 'artifacts', 'node_modules'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Template strings have ports, seconds and statuses, which are numbers.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `return sendJson(…)` ends a handler, and Express passes `void`-typed callbacks around.
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // The matchers of expect and the bodies of supertest are typed `any`.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  {
    files: ['public/**/*.js', 'src/sandbox/public/**/*.js'],
    languageOptions: { globals: globals.browser },
  },
  { files: ['examples/**/*.js'], languageOptions: { globals: globals.node } },
  { files: ['examples/**/*.test.js'], languageOptions: { globals: globals.jest } },
  { files: ['*.js', '*.cjs'], languageOptions: { globals: { process: 'readonly' } } },
);
