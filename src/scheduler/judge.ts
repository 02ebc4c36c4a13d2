import { randomBytes } from 'node:crypto';

import type { ActionRegistry } from '../actions/action.ts';
import { ForsunError } from '../core/errors.ts';
import type { PlanDraft, PlanRequest } from '../core/plan.ts';
import { type PlanKeys, planKeys } from '../core/plan-key.ts';
import type { PlanLimits } from '../core/plan-limits.ts';
import { type DraftContext, draftOf, type JudgedRequest } from '../core/plan-request.ts';
import { restoredOf, type RestoreRequest } from '../core/plan-restore.ts';
import { actionParams } from '../core/policy.ts';
import type { Clock } from '../core/time.ts';
import type { Store } from '../stores/store.ts';

export interface JudgeDeps {
  readonly clock: Clock;
  readonly store: Pick<Store, 'now'>;
  readonly actions: ActionRegistry;
}

export interface JudgeSettings {
  /** Zone of calendar plans that name none. */
  readonly timezone: string;
  readonly planLimits: PlanLimits;
}

/** Plans of one request that are judged before others have their turn. */
const judgedAtOnce = 256;

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Turns requests into what can be stored, or refuses them with a ForsunError. */
export class Judge {
  readonly #deps: JudgeDeps;
  readonly #settings: JudgeSettings;
  readonly #newKey: PlanKeys;

  constructor(deps: JudgeDeps, settings: JudgeSettings) {
    this.#deps = deps;
    this.#settings = settings;
    this.#newKey = planKeys(deps.clock, randomBytes);
  }

  one(request: PlanRequest): JudgedRequest {
    const judged = draftOf(request, this.#context());
    this.#prepare(judged.draft);
    return judged;
  }

  /** All of them, or none: the refusal says which it is of, where there are more than one. */
  async all(requests: readonly PlanRequest[]): Promise<readonly JudgedRequest[]> {
    const judged: JudgedRequest[] = [];
    for (const [index, request] of requests.entries()) {
      // Thousands in one step would hold up what is due.
      if (index % judgedAtOnce === judgedAtOnce - 1) await nextTurn();
      try {
        judged.push(this.one(request));
      } catch (error) {
        if (requests.length === 1 || !(error instanceof ForsunError)) throw error;
        throw new ForsunError(error.code, `plan ${index + 1}: ${error.message}`, { cause: error });
      }
    }
    return judged;
  }

  restored(request: RestoreRequest): ReturnType<typeof restoredOf> {
    const restored = restoredOf(request, this.#context());
    this.#prepare(restored.draft);
    return restored;
  }

  #context(): DraftContext {
    const { timezone: defaultZone, planLimits: limits } = this.#settings;
    return { now: this.#deps.store.now(), newKey: this.#newKey, defaultZone, limits };
  }

  /** Refuses what the action cannot run. */
  #prepare({ action, params }: PlanDraft): void {
    this.#deps.actions.get(action).prepare(actionParams(params));
  }
}
