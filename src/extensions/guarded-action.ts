import { type Action, isOutcome, type Outcome, type PreparedAction } from '../actions/action.ts';
import { ForsunError, quote } from '../core/errors.ts';
import { ExtensionError, type Step, thrownText } from './extension-error.ts';
import { blockedMs, closing, runStep, type StepDeps } from './step.ts';

/** Whom an origin names is whatever it says; its length is ours to limit, for it is stored. */
const maxOriginLength = 512;

/** An extension's action, of which a mistake costs its own plans only, and is told under its name. */
export function guardedAction(extension: string, action: Action, deps: StepDeps): Action {
  const { clock, log, guests } = deps;
  const { name, maxRunsPerOrigin, timeoutSeconds, retriesDeadline } = action;

  /** Up to its first wait nobody else gets a turn. */
  const work = <T>(step: 'prepare' | 'run', call: () => T): T => {
    const start = clock.monotonicMs();
    try {
      return guests.work(extension, call);
    } finally {
      const ms = Math.round(clock.monotonicMs() - start);
      if (ms >= blockedMs)
        log.warn('extension_blocked_server', { extension, step, action: name, ms });
    }
  };

  const tell = (step: 'prepare' | Step, reason: string): void =>
    log.error('extension_broke', { extension, step, action: name, reason });

  const prepare = (call: () => PreparedAction): PreparedAction => {
    try {
      const prepared = work('prepare', call);
      requirePrepared(prepared);
      return prepared;
    } catch (error) {
      if (error instanceof ForsunError) throw error;
      tell('prepare', thrownText(error));
      // The client learns whose mistake it is; what else the error says is for the log.
      throw new ForsunError(
        'unknown',
        `the extension ${quote(extension)} broke when its action ${name} looked at these params`,
      );
    }
  };

  return {
    ...{ name, maxRunsPerOrigin, timeoutSeconds, retriesDeadline },
    prepare(params) {
      const prepared = prepare(() => action.prepare(params));
      const { origin, maxRuns } = prepared;
      return {
        ...(origin === undefined ? {} : { origin: ownOrigin(name, origin) }),
        ...(maxRuns === undefined ? {} : { maxRuns }),
        async run(given): Promise<Outcome> {
          const broken = (what: string): Outcome => ({
            kind: 'failed',
            reason: `the extension ${extension} broke: ${what}`,
          });
          try {
            const outcome: unknown = await work('run', () => prepared.run(given));
            return isOutcome(outcome) ? outcome : broken('its answer is no outcome');
          } catch (error) {
            return broken(thrownText(error));
          }
        },
      };
    },
    async close() {
      try {
        await runStep(extension, 'close', () => action.close?.(), closing(deps));
      } catch (error) {
        if (!(error instanceof ExtensionError)) throw error;
        tell('close', error.reason);
      }
    },
  };
}

/** No action takes up the room of another's targets. */
const ownOrigin = (action: string, origin: string): string =>
  origin.startsWith(`${action}:`) ? origin : `${action}:${origin}`;

function requirePrepared(prepared: Partial<PreparedAction> | null | undefined): void {
  if (typeof prepared !== 'object' || prepared === null || typeof prepared.run !== 'function') {
    throw new Error('prepare answered nothing that can run');
  }
  const { origin = 'absent', maxRuns = 1 } = prepared;
  if (typeof origin !== 'string' || origin === '' || origin.length > maxOriginLength) {
    throw new Error(`its origin is no text of 1 to ${maxOriginLength} characters`);
  }
  if (!(Number.isInteger(maxRuns) && maxRuns > 0)) {
    throw new Error('its maxRuns is no whole number above 0');
  }
}
