import tseslint from 'typescript-eslint';

/** Matches an import of a whole room from anywhere in src. */
const rooms = (...names) => `^(\\.\\./)+(${names.join('|')})(/|\\.ts$)`;

const contractsOnly = '/(stores/(?!store\\.ts)|actions/(?!action\\.ts))';
const generated = '/gen-nodejs/';
/** What the rooms below know nothing of: extensions are `app`'s guests. */
const doorsAndUp = ['interfaces', 'client', 'cli', 'extensions', 'extension', 'app', 'forsund'];

/**
 * The walls of docs/design.md: a file under a room may not import what its patterns match. Imports run
 * downwards: bin, forsund and cli, app, interfaces, scheduler, the contracts of stores and actions, core.
 */
const walls = {
  core: [
    rooms(
      'scheduler',
      'stores',
      'actions',
      'wire',
      'grammar',
      'config',
      'metrics',
      'runtime',
      ...doorsAndUp,
    ),
  ],
  metrics: [
    rooms('scheduler', 'stores', 'actions', 'wire', 'grammar', 'config', 'runtime', ...doorsAndUp),
  ],
  grammar: [
    rooms('scheduler', 'stores', 'actions', 'wire', 'config', 'metrics', 'runtime', ...doorsAndUp),
  ],
  wire: [
    rooms(
      'scheduler',
      'stores',
      'actions',
      'grammar',
      'config',
      'metrics',
      'runtime',
      ...doorsAndUp,
    ),
  ],
  scheduler: [rooms('wire', 'grammar', 'config', 'runtime', ...doorsAndUp), contractsOnly],
  stores: [rooms('scheduler', 'actions', 'config', 'runtime', ...doorsAndUp)],
  actions: [rooms('scheduler', 'stores', 'config', 'runtime', ...doorsAndUp)],
  interfaces: [
    rooms('config', 'runtime', 'client', 'cli', 'extensions', 'app', 'forsund'),
    contractsOnly,
  ],
  extensions: [
    rooms('scheduler', 'wire', 'grammar', 'config', 'runtime', ...doorsAndUp),
    '/(stores/(?!store\\.ts)|actions/(?!(action|dial)\\.ts))',
  ],
  config: [
    rooms('scheduler', 'stores', 'actions', 'wire', 'grammar', 'metrics', 'runtime', ...doorsAndUp),
  ],
  client: [
    rooms(
      'scheduler',
      'stores',
      'actions',
      'config',
      'metrics',
      'interfaces',
      'extensions',
      'cli',
      'app',
      'forsund',
    ),
  ],
  cli: [
    rooms(
      'scheduler',
      'stores',
      'actions',
      'metrics',
      'interfaces',
      'extensions',
      'app',
      'forsund',
    ),
  ],
  runtime: [
    rooms('scheduler', 'stores', 'actions', 'wire', 'grammar', 'config', 'metrics', ...doorsAndUp),
  ],
};

const wallRules = Object.entries(walls).map(([room, regexes]) => ({
  files: [`src/${room}/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [...regexes, ...(room === 'client' ? [] : [generated])].map((regex) => ({
          regex,
          message: `not from src/${room}: see docs/design.md, "The house"`,
        })),
      },
    ],
  },
}));

export default tseslint.config(
  { ignores: ['dist', 'gen-nodejs'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/require-await': 'off', // a contract may be async where one store is not
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/runtime/**'],
    rules: {
      'no-restricted-globals': ['error', 'setTimeout', 'setInterval'],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'ask the Clock' },
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector: 'NewExpression[callee.name="Date"][arguments.length=0]',
          message: 'ask the Clock',
        },
      ],
    },
  },
  ...wallRules,
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
    },
  },
  { files: ['**/*.js', '**/*.mjs'], ...tseslint.configs.disableTypeChecked },
);
