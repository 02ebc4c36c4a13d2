import { defineConfig } from 'vitest/config';

export default defineConfig({
  // As forsund has it for its extensions.
  resolve: { alias: { 'forsun/extension': new URL('src/extension.ts', import.meta.url).pathname } },
  test: {
    globalSetup: ['test/support/needs.ts'],
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
