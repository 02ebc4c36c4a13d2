import type { Log } from '../core/log.ts';
import { thrownText } from '../core/thrown-text.ts';
import type { Clock } from '../core/time.ts';
import type { Store } from '../stores/store.ts';
import type { OpenStore } from './extension.ts';
import { guardedStore } from './guarded-store.ts';
import type { Guests } from './guests.ts';
import { namedLog } from './named-log.ts';

const methods: readonly (keyof Store)[] = [
  ...(['now', 'put', 'remove', 'trigger', 'get', 'getMany'] as const),
  ...(['keys', 'agenda', 'planCount', 'failures', 'close'] as const),
  ...(['claim', 'claimParked', 'parkedOrigins', 'settle'] as const),
];

export interface StoreOpeningDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly guests: Guests;
  /** To open takes as long as it takes; each time that it took this long again is told. */
  readonly timeoutSeconds: number;
}

/** Opens an extension's store, or says whose store it is that cannot be opened, and why. */
export function guardedOpen(
  extension: string,
  driver: string,
  open: OpenStore,
  deps: StoreOpeningDeps,
): OpenStore {
  const refusal = (reason: string): Error =>
    new Error(`the store ${driver} of the extension ${extension} could not be opened: ${reason}`);
  return async (options) => {
    let store: Store;
    const { clock, log, counters, statusKeepSeconds, policy, random, onFatal, failuresKept } =
      options;
    const theirs = { clock, counters, statusKeepSeconds, policy, random, onFatal, failuresKept };
    const ended = tellWhileOpening(extension, driver, deps);
    try {
      store = await deps.guests.work(extension, async () =>
        open({ ...theirs, log: namedLog(extension, log) }),
      );
    } catch (error) {
      throw refusal(thrownText(error));
    } finally {
      ended();
    }
    const missing = missingOf(store);
    if (missing !== undefined) throw refusal(`it has no ${missing}`);
    return guardedStore(extension, driver, store, deps.guests);
  };
}

/** Tells again and again that start-up waits for it. Answers how to end that. */
function tellWhileOpening(
  extension: string,
  driver: string,
  { clock, log, timeoutSeconds }: StoreOpeningDeps,
): () => void {
  let seconds = 0;
  let cancel = (): void => undefined;
  const wait = (): void => {
    cancel = clock.after(timeoutSeconds * 1000, () => {
      seconds += timeoutSeconds;
      log.warn('extension_still_opens', { extension, driver, seconds });
      wait();
    });
  };
  wait();
  return () => cancel();
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
