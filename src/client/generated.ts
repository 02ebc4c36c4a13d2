import { createRequire } from 'node:module';

import type { Client, Processor } from '../../gen-nodejs/Forsun.js';
import type { ForsunFailure, ForsunPlan, ForsunPlanError } from '../../gen-nodejs/forsun_types.js';

const require = createRequire(import.meta.url);

/** What the thrift compiler made of forsun.thrift: CommonJS, which `import` cannot name. */
export const generated = require('../../gen-nodejs/Forsun.js') as {
  readonly Client: typeof Client;
  readonly Processor: typeof Processor;
};

export const generatedTypes = require('../../gen-nodejs/forsun_types.js') as {
  readonly ForsunFailure: typeof ForsunFailure;
  readonly ForsunPlan: typeof ForsunPlan;
  readonly ForsunPlanError: typeof ForsunPlanError;
};

export type GeneratedClient = Client;
export type WirePlan = ForsunPlan;
export type WireFailure = ForsunFailure;

/** The generated classes declare their fields present; those the server left out are null. */
export type Nullable<T> = { readonly [name in keyof T]: T[name] | null };
