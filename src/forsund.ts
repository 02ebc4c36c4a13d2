import { checkStore, makeToken, startApp } from './app.ts';
import { runForsund } from './cli/run-forsund.ts';

await runForsund({ startApp, checkStore, makeToken });
