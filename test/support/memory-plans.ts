import { ForsunError, planExists, planNotFound } from '../../src/core/errors.ts';
import type { ListedFailure } from '../../src/core/failure.ts';
import { fireId } from '../../src/core/firing.ts';
import type { AgendaPlace, Plan, PlanRequest } from '../../src/core/plan.ts';
import type { RestoreRequest } from '../../src/core/plan-restore.ts';
import { addSeconds, type UnixSeconds } from '../../src/core/time.ts';
import { type Page, pageOf } from '../../src/scheduler/page.ts';
import type {
  CreateOptions,
  PlanService,
  TriggeredFiring,
} from '../../src/scheduler/plan-service.ts';
import { T0 } from './plans.ts';

/** The scheduler as the doors see it, kept in memory: T0 for ever, nothing fires. */
export class MemoryPlans implements PlanService {
  /** What it lists, newest first; a test puts it there. */
  readonly failed: ListedFailure[] = [];
  readonly #plans = new Map<string, Plan>();
  #generation = 0;
  #triggers = 0;

  async create(request: PlanRequest, { onlyIfAbsent = false }: CreateOptions = {}): Promise<Plan> {
    const { kind, fields, count, action, params } = request;
    if (action === 'bogus') throw new ForsunError('unknown_action', 'no action is called "bogus"');
    if (onlyIfAbsent && this.#plans.has(request.key)) throw planExists(request.key);
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

  async createAll(requests: readonly PlanRequest[]): Promise<readonly Plan[]> {
    return Promise.all(requests.map((request) => this.create(request)));
  }

  async restore(request: RestoreRequest, options?: CreateOptions): Promise<Plan> {
    const { createdTime, nextFireTime, lastFireTime, firedCount } = request;
    const plan = await this.create(request, options);
    const given = { createdTime, nextFireTime, lastFireTime, firedCount };
    const restored = { ...plan, ...JSON.parse(JSON.stringify(given)) } as Plan;
    this.#plans.set(plan.key, restored);
    return restored;
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

  async trigger(key: string): Promise<TriggeredFiring> {
    const { generation } = await this.get(key);
    const firing = { key, generation, fireTime: T0, trigger: ++this.#triggers };
    return { fireId: fireId(firing), fireTime: T0 };
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

  async keysAfter(
    prefix: string,
    after: string | undefined,
    limit: number,
  ): Promise<Page<string, string>> {
    const keys = (await this.keys(prefix)).filter((key) => after === undefined || key > after);
    return pageOf(keys, limit, (key) => key);
  }

  async plansAfter(
    prefix: string,
    after: string | undefined,
    limit: number,
  ): Promise<Page<Plan, string>> {
    const { items, next } = await this.keysAfter(prefix, after, limit);
    const plans = items.flatMap((key) => this.#plans.get(key) ?? []);
    return next === undefined ? { items: plans } : { items: plans, next };
  }

  async agenda(
    from: UnixSeconds,
    to: UnixSeconds,
    limit: number,
    after?: AgendaPlace,
  ): Promise<Page<Plan, AgendaPlace>> {
    const plans = [...this.#plans.values()]
      .filter(({ nextFireTime: due }) => due !== undefined && due >= from && due < to)
      .filter((plan) => after === undefined || inAgendaOrder(placeOf(plan), after) > 0)
      .sort((a, b) => inAgendaOrder(placeOf(a), placeOf(b)));
    return pageOf(plans, limit, placeOf);
  }

  async failures(
    prefix: string,
    limit: number,
    before = Infinity,
  ): Promise<Page<ListedFailure, number>> {
    const found = this.failed.filter(
      ({ key, number }) => key.startsWith(prefix) && number < before,
    );
    return pageOf(found, limit, ({ number }) => number);
  }
}

const placeOf = ({ key, nextFireTime = T0 }: Plan): AgendaPlace => ({
  fireTime: nextFireTime,
  key,
});

const inAgendaOrder = (a: AgendaPlace, b: AgendaPlace): number =>
  a.fireTime - b.fireTime || Buffer.compare(Buffer.from(a.key), Buffer.from(b.key));
