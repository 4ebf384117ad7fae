import { createRequire } from 'node:module';

// Found from this file, because the files to check lie in several folders.
const require = createRequire(import.meta.url);
const js = require('@eslint/js');
const globals = require('globals');

export default [
  { ignores: ['**/node_modules/', 'extension/built/'] },
  js.configs.recommended,
  {
    rules: {
      'array-callback-return': 'error',
      complexity: ['error', 15],
      'consistent-return': 'error',
      curly: ['error', 'multi-line'],
      eqeqeq: ['error', 'always'],
      'max-len': ['error', { code: 120, ignoreUrls: true }],
      'max-lines': ['error', 400],
      'max-lines-per-function': ['error', { max: 70, skipComments: true, skipBlankLines: true, IIFEs: false }],
      'no-console': 'error',
      'no-constructor-return': 'error',
      'no-empty': ['error', { allowEmptyCatch: false }],
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-new-func': 'error',
      'no-restricted-properties': [
        'error',
        { property: 'innerHTML', message: 'set textContent: what pages and services say is never markup' },
        { property: 'outerHTML', message: 'set textContent: what pages and services say is never markup' },
      ],
      'no-self-compare': 'error',
      'no-shadow': 'error',
      'no-template-curly-in-string': 'error',
      'no-throw-literal': 'error',
      'no-unused-expressions': 'error',
      'no-unused-vars': ['error', { caughtErrors: 'none' }],
      'no-use-before-define': ['error', { functions: false, classes: false, variables: false }],
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
    },
  },
  {
    files: ['extension/**/*.js'],
    ignores: ['extension/eslint.config.js'],
    languageOptions: { sourceType: 'module', globals: { ...globals.browser, chrome: 'readonly' } },
  },
  {
    files: ['tests/**/*.mjs', 'tests/**/*.js', 'scripts/**/*.mjs', 'extension/*.mjs', 'extension/eslint.config.js'],
    languageOptions: { sourceType: 'module', globals: { ...globals.node, ...globals.browser, chrome: 'readonly' } },
    rules: { 'max-lines-per-function': 'off', 'no-console': 'off', 'no-shadow': 'off' },
  },
];
