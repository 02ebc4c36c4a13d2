import { badArgument } from '../core/errors.ts';
import { type ListedFailure, maxFailuresListed } from '../core/failure.ts';
import type { AgendaPlace, Plan } from '../core/plan.ts';
import { addSeconds, type UnixSeconds } from '../core/time.ts';
import type { Store } from '../stores/store.ts';
import { gatherPlans, type Page, pageLimit, pageOf } from './page.ts';

/** Caps of one reply. */
export interface ListLimits {
  readonly maxKeysListed: number;
  readonly maxPlansListed: number;
}

/** The lists of PlanService: a whole one that passes its cap is refused, a page goes on with the next. */
export class PlanLists {
  readonly #store: Store;
  readonly #limits: ListLimits;

  constructor(store: Store, limits: ListLimits) {
    this.#store = store;
    this.#limits = limits;
  }

  /** The plans of those keys, and those that fall due in the current second. */
  async current(held: readonly string[]): Promise<readonly Plan[]> {
    const limit = this.#limits.maxPlansListed;
    const due = await this.#due(this.#store.now(), limit + 1);
    const keys = new Set([...held, ...due.map(({ key }) => key)]);
    if (keys.size > limit) throw tooMany('plans are current', limit, 'ask for single keys');
    return this.#store.getMany([...keys]);
  }

  async dueAt(second: UnixSeconds): Promise<readonly Plan[]> {
    const limit = this.#limits.maxPlansListed;
    const plans = await this.#due(second, limit + 1);
    if (plans.length > limit) throw tooMany('plans are due then', limit, 'list keys by prefix');
    return plans;
  }

  async keys(prefix: string): Promise<readonly string[]> {
    const limit = this.#limits.maxKeysListed;
    const keys = await this.#store.keys(prefix, limit + 1);
    if (keys.length > limit) throw tooMany('keys match', limit, 'narrow the prefix');
    return keys;
  }

  async keysAfter(
    prefix: string,
    after: string | undefined,
    limit: number,
  ): Promise<Page<string, string>> {
    return this.#keysPage(prefix, after, pageLimit(limit, this.#limits.maxKeysListed));
  }

  async plansAfter(
    prefix: string,
    after: string | undefined,
    limit: number,
  ): Promise<Page<Plan, string>> {
    const most = pageLimit(limit, this.#limits.maxPlansListed);
    return gatherPlans(most, after, async (behind, count) => {
      const keys = await this.#keysPage(prefix, behind, count);
      return { ...keys, items: await this.#store.getMany(keys.items) };
    });
  }

  async agenda(
    from: UnixSeconds,
    to: UnixSeconds,
    limit: number,
    after?: AgendaPlace,
  ): Promise<Page<Plan, AgendaPlace>> {
    const most = pageLimit(limit, this.#limits.maxPlansListed);
    return gatherPlans(most, after, async (behind, count) => {
      const plans = await this.#store.agenda(from, to, count + 1, behind);
      return pageOf(plans, count, ({ key, nextFireTime: fireTime = from }) => ({ fireTime, key }));
    });
  }

  async failures(
    prefix: string,
    limit: number,
    before?: number,
  ): Promise<Page<ListedFailure, number>> {
    if (limit < 1 || limit > maxFailuresListed) {
      throw badArgument(`limit is ${limit}, expected 1 to ${maxFailuresListed}`);
    }
    const failures = await this.#store.failures(prefix, limit + 1, before);
    return pageOf(failures, limit, ({ number }) => number);
  }

  #due(second: UnixSeconds, limit: number): Promise<readonly Plan[]> {
    return this.#store.agenda(second, addSeconds(second, 1), limit);
  }

  async #keysPage(
    prefix: string,
    after: string | undefined,
    limit: number,
  ): Promise<Page<string, string>> {
    return pageOf(await this.#store.keys(prefix, limit + 1, after), limit, (key) => key);
  }
}

const tooMany = (what: string, limit: number, hint: string): Error =>
  badArgument(`more than ${limit} ${what}, which is the most one reply may list: ${hint}`);
