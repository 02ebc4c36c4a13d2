import { ForsunError, quote } from '../core/errors.ts';
import type { Params } from '../core/plan.ts';
import type { UnixSeconds } from '../core/time.ts';

/** What every action is given when its plan fires. */
export interface Run {
  readonly key: string;
  readonly fireTime: UnixSeconds;
  readonly attempt: number;
  /** See core/firing.ts: the same on every attempt. */
  readonly fireId: string;
  /** Aborts at the deadline (reason: DeadlineReached) or when the server gives the run up. */
  readonly signal: AbortSignal;
}

/** How a run ended. A failure is a result, never a throw; its reason is for logs: no secrets in it. */
export type Outcome =
  | { readonly kind: 'done' }
  /** Refused by the target, or not worth repeating. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** No answer, or one that asks to come again; not before `afterSeconds` when given. */
  | { readonly kind: 'retry'; readonly reason: string; readonly afterSeconds?: number };

/** What a run answered may be anything: an action can come from elsewhere. */
export function isOutcome(value: unknown): value is Outcome {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  if (value.kind === 'done') return true;
  if (!('reason' in value) || typeof value.reason !== 'string') return false;
  if (value.kind !== 'retry') return value.kind === 'failed';
  const after = 'afterSeconds' in value ? value.afterSeconds : undefined;
  return after === undefined || Number.isFinite(after);
}

/** A plan's params, checked and ready to run any number of times. */
export interface PreparedAction {
  /** Whom a run keeps busy, as `action:host:port`: room is counted by it. Absent: the plan's key. */
  readonly origin?: string;
  /**
   * Runs of the origin under way at once, where the plan itself limits them (`max_connections`): plans of
   * one limit share it and count as a target of their own, so that none slows or outruns those of another.
   */
  readonly maxRuns?: number;
  run(run: Run): Promise<Outcome>;
}

export interface Action {
  readonly name: string;
  /** Runs of one origin under way at once, for plans that set no limit. */
  readonly maxRunsPerOrigin: number;
  /** Deadline of a run whose plan sets none, in seconds. */
  readonly timeoutSeconds: number;
  /** Params in which `${env:NAME}` and `${file:/path}` are no references, as a shell reads `${` itself. */
  readonly verbatimParams?: readonly string[];
  /** A run cut by its deadline is tried again; false: it is final, as a command half done is. */
  readonly retriesDeadline: boolean;
  /**
   * Checks params (without `forsun.` ones) when the plan is made, so a bad plan is refused then and not
   * when it fires: bad_argument names the param, what came and what was expected.
   */
  prepare(params: Params): PreparedAction;
  /** Lets go of what it holds (connections, children), once no run is under way. */
  close?(): Promise<void>;
}

/** An action that is known but switched off: answered as unknown_action, with the reason. */
export interface DisabledAction {
  readonly name: string;
  readonly disabledBecause: string;
}

export class ActionRegistry {
  readonly #actions: ReadonlyMap<string, Action | DisabledAction>;

  constructor(actions: readonly (Action | DisabledAction)[]) {
    this.#actions = new Map(actions.map((action) => [action.name, action]));
    if (this.#actions.size < actions.length) throw new TypeError('two actions share a name');
  }

  get(name: string): Action {
    const action = this.#actions.get(name);
    if (action === undefined) {
      throw new ForsunError(
        'unknown_action',
        `no action is called ${quote(name)}; there are ${this.names().join(', ')}`,
      );
    }
    if ('disabledBecause' in action) {
      throw new ForsunError(
        'unknown_action',
        `the action ${name} is off: ${action.disabledBecause}`,
      );
    }
    return action;
  }

  /** Names of the actions that can run. */
  names(): readonly string[] {
    return [...this.#actions.values()].flatMap((action) =>
      'disabledBecause' in action ? [] : [action.name],
    );
  }

  async close(): Promise<void> {
    for (const action of this.#actions.values()) {
      if (!('disabledBecause' in action)) await action.close?.();
    }
  }
}
