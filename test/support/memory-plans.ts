import { ForsunError, planNotFound } from '../../src/core/errors.ts';
import type { Failure } from '../../src/core/failure.ts';
import type { Plan, PlanRequest } from '../../src/core/plan.ts';
import { addSeconds, type UnixSeconds } from '../../src/core/time.ts';
import type { PlanService } from '../../src/scheduler/plan-service.ts';
import { T0 } from './plans.ts';

/** The scheduler as the doors see it, kept in memory: T0 for ever, nothing fires. */
export class MemoryPlans implements PlanService {
  /** What it lists, newest first; a test puts it there. */
  readonly failed: Failure[] = [];
  readonly #plans = new Map<string, Plan>();
  #generation = 0;

  async create(request: PlanRequest): Promise<Plan> {
    const { kind, fields, count, action, params } = request;
    if (action === 'bogus') throw new ForsunError('unknown_action', 'no action is called "bogus"');
    const everySeconds = (fields.second ?? 0) + 60 * (fields.minute ?? 0);
    const plan: Plan = {
      key: request.key === '' ? `made-${this.#generation}` : request.key,
      schedule:
        kind === 'interval' ? { kind, everySeconds, fields } : { kind, fields, zone: 'UTC' },
      count,
      action,
      params,
      generation: ++this.#generation,
      createdTime: T0,
      nextFireTime: addSeconds(T0, everySeconds),
      firedCount: 0,
      status: 0,
      unfinished: [],
    };
    this.#plans.set(plan.key, plan);
    return plan;
  }

  async remove(key: string): Promise<Plan> {
    const plan = await this.get(key);
    this.#plans.delete(key);
    return plan;
  }

  async get(key: string): Promise<Plan> {
    const plan = this.#plans.get(key);
    if (plan === undefined) throw planNotFound(key);
    return plan;
  }

  async current(): Promise<readonly Plan[]> {
    return [...this.#plans.values()];
  }

  async dueAt(second: UnixSeconds): Promise<readonly Plan[]> {
    return [...this.#plans.values()].filter(({ nextFireTime }) => nextFireTime === second);
  }

  async keys(prefix: string): Promise<readonly string[]> {
    return [...this.#plans.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  async failures(prefix: string, limit: number): Promise<readonly Failure[]> {
    return this.failed.filter(({ key }) => key.startsWith(prefix)).slice(0, limit);
  }
}
