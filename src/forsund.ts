import { runForsund } from './cli/run-forsund.ts';

/** Loaded when it is needed: a health check asks often, and needs none of it. */
const app = (): Promise<typeof import('./app.ts')> => import('./app.ts');

await runForsund({
  startApp: async (...args) => (await app()).startApp(...args),
  checkStore: async (...args) => (await app()).checkStore(...args),
  makeToken: async (...args) => (await app()).makeToken(...args),
});
