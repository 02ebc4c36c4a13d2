import type { Store } from '../stores/store.ts';
import type { OpenStore } from './extension.ts';
import { thrownText } from './extension-error.ts';
import type { Guests } from './guests.ts';
import { namedLog } from './named-log.ts';

const methods = [
  ...['now', 'put', 'remove', 'get', 'getMany', 'keys', 'dueAt', 'planCount'],
  ...['claim', 'claimParked', 'parkedOrigins', 'settle', 'failures', 'close'],
];

/** Opens an extension's store, or says whose store it is that cannot be opened, and why. */
export function guardedOpen(
  extension: string,
  driver: string,
  open: OpenStore,
  guests: Guests,
): OpenStore {
  const refusal = (reason: string): Error =>
    new Error(`the store ${driver} of the extension ${extension} could not be opened: ${reason}`);
  return async (options) => {
    let store: Store;
    const { clock, log, counters, statusKeepSeconds, policy, random, onFatal, failuresKept } =
      options;
    const theirs = { clock, counters, statusKeepSeconds, policy, random, onFatal, failuresKept };
    try {
      store = await guests.work(extension, async () =>
        open({ ...theirs, log: namedLog(extension, log) }),
      );
    } catch (error) {
      throw refusal(thrownText(error));
    }
    const missing = missingOf(store);
    if (missing !== undefined) throw refusal(`it has no ${missing}`);
    return store;
  };
}

function missingOf(store: object | null | undefined): string | undefined {
  const members = store as Readonly<Record<string, unknown>> | null | undefined;
  return [...methods, 'recovery'].find((name) =>
    name === 'recovery' ? !isRecovery(members?.[name]) : typeof members?.[name] !== 'function',
  );
}

const isRecovery = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  'givenUp' in value &&
  Array.isArray(value.givenUp) &&
  'reclaimed' in value &&
  typeof value.reclaimed === 'number';
