import type { ActionRegistry } from '../actions/action.ts';
import { planNotFound } from '../core/errors.ts';
import { fireId } from '../core/firing.ts';
import type { Log } from '../core/log.ts';
import type { AgendaPlace, Plan, PlanRequest } from '../core/plan.ts';
import type { JudgedRequest } from '../core/plan-request.ts';
import type { RestoreRequest } from '../core/plan-restore.ts';
import { addSeconds, type Clock, type UnixSeconds } from '../core/time.ts';
import type { Counters } from '../metrics/counters.ts';
import type { FiringLoad } from '../metrics/info.ts';
import { Measures } from '../metrics/measures.ts';
import type { ClaimResult, Store } from '../stores/store.ts';
import type { RetrySettings } from './backoff.ts';
import { CatchUpBudget } from './catch-up.ts';
import { Dispatcher } from './dispatcher.ts';
import { EndedPlans } from './ended-plans.ts';
import { Judge, type JudgeSettings } from './judge.ts';
import type { DispatchLimits } from './lanes.ts';
import { type ListLimits, PlanLists } from './plan-lists.ts';
import type { CreateOptions, PlanService, TriggeredFiring } from './plan-service.ts';
import { Pulse, type PulseReading } from './pulse.ts';
import { ticks } from './ticks.ts';

export interface SchedulerSettings extends ListLimits, JudgeSettings {
  readonly dispatch: DispatchLimits;
  readonly retry: RetrySettings;
  /** Firings of one claim: one durable step, short enough not to hold up the loop. */
  readonly claimSize: number;
  /** What is due longer ago is late: newer due times do not wait for it. */
  readonly lateAfterSeconds: number;
  /** Misfires claimed in a second. */
  readonly catchUpPerSecond: number;
  /** It takes plans and fires none: another server on the same store does. */
  readonly isAgent?: boolean;
}

export interface SchedulerDeps {
  readonly clock: Clock;
  readonly store: Store;
  readonly actions: ActionRegistry;
  readonly counters: Counters;
  /** Absent: nobody looks at them. */
  readonly measures?: Measures;
  readonly log: Log;
  readonly random?: () => number;
}

/** The clockwork: turns requests into plans, ticks into claims, claims into runs. */
export class Scheduler implements PlanService {
  readonly #deps: SchedulerDeps;
  readonly #settings: SchedulerSettings;
  readonly #dispatcher: Dispatcher;
  readonly #lists: PlanLists;
  readonly #catchUp: CatchUpBudget;
  readonly #judge: Judge;
  readonly #stop = new AbortController();
  readonly #ended = new EndedPlans();
  readonly #pulse: Pulse;
  #claiming: Promise<void> | undefined;
  #mustClaimAgain = false;
  /** More was due than there was room for. */
  #isWaitingForRoom = false;
  #loop: Promise<void> = Promise.resolve();

  constructor(deps: SchedulerDeps, settings: SchedulerSettings) {
    const { dispatch, retry } = settings;
    const { random = Math.random, measures = new Measures() } = deps;
    this.#deps = deps;
    this.#settings = settings;
    this.#lists = new PlanLists(deps.store, settings);
    this.#pulse = new Pulse(deps.clock);
    this.#judge = new Judge(deps, settings);
    this.#catchUp = new CatchUpBudget(deps.clock, settings.catchUpPerSecond);
    const onRoom = (): void => this.#roomCameFree();
    const ended = this.#ended;
    this.#dispatcher = new Dispatcher({
      ...{ ...deps, random, measures },
      ...{ limits: dispatch, retry, ended, onRoom },
    });
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** Claims nothing more, lets runs end for that long, and leaves the rest to the next start. */
  async drain(graceMs: number): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    await this.#claiming;
    await this.#dispatcher.drain(graceMs);
  }

  async create(request: PlanRequest, options?: CreateOptions): Promise<Plan> {
    return this.#put(this.#judge.one(request), options);
  }

  async createAll(requests: readonly PlanRequest[]): Promise<readonly Plan[]> {
    const judged = await this.#judge.all(requests);
    return Promise.all(judged.map((one) => this.#put(one)));
  }

  async restore(request: RestoreRequest, options: CreateOptions = {}): Promise<Plan> {
    const { counters, store } = this.#deps;
    const { draft, nextFireTime, past } = this.#judge.restored(request);
    const plan = await store.put(draft, nextFireTime, { ...options, past });
    counters.add('restored_count');
    this.#stored(plan, nextFireTime);
    return plan;
  }

  async remove(key: string): Promise<Plan> {
    const plan = await this.#deps.store.remove(key);
    if (plan === undefined) throw planNotFound(key);
    this.#endOlder(key, plan.generation + 1);
    this.#deps.counters.add('removed_count');
    return plan;
  }

  async trigger(key: string): Promise<TriggeredFiring> {
    const firing = await this.#deps.store.trigger(key);
    if (firing === undefined) throw planNotFound(key);
    this.#deps.counters.add('triggered_count');
    this.#claimSoon();
    return { fireId: fireId(firing), fireTime: firing.fireTime };
  }

  async get(key: string): Promise<Plan> {
    const plan = await this.#deps.store.get(key);
    if (plan === undefined) throw planNotFound(key);
    return plan;
  }

  current() {
    return this.#lists.current(this.#dispatcher.keys());
  }

  dueAt(second: UnixSeconds) {
    return this.#lists.dueAt(second);
  }

  keys(prefix: string) {
    return this.#lists.keys(prefix);
  }

  keysAfter(prefix: string, after: string | undefined, limit: number) {
    return this.#lists.keysAfter(prefix, after, limit);
  }

  plansAfter(prefix: string, after: string | undefined, limit: number) {
    return this.#lists.plansAfter(prefix, after, limit);
  }

  agenda(from: UnixSeconds, to: UnixSeconds, limit: number, after?: AgendaPlace) {
    return this.#lists.agenda(from, to, limit, after);
  }

  failures(prefix: string, limit: number, before?: number) {
    return this.#lists.failures(prefix, limit, before);
  }

  /** How much waits for its target just now. */
  load(): FiringLoad {
    return this.#dispatcher.load();
  }

  /** How long ago the clockwork did what it has to do every second. */
  pulse(): PulseReading {
    return this.#pulse.read();
  }

  async #run(): Promise<void> {
    for await (const _second of ticks(this.#deps.clock, this.#stop.signal)) {
      this.#deps.counters.add('timer_loop_count');
      this.#pulse.ticked();
      this.#claimSoon();
      if (this.#settings.isAgent !== true) void this.#dispatcher.tick();
    }
  }

  /** One claim at a time; asked meanwhile, it looks once more when it has ended. */
  #claimSoon(): void {
    if (this.#settings.isAgent === true) {
      this.#pulse.claimedAll(this.#deps.clock.monotonicMs());
      return;
    }
    this.#mustClaimAgain = true;
    this.#claiming ??= this.#claimWhileAsked();
  }

  async #claimWhileAsked(): Promise<void> {
    const { counters, log } = this.#deps;
    await Promise.resolve();
    while (this.#mustClaimAgain && !this.#stop.signal.aborted) {
      this.#mustClaimAgain = false;
      try {
        await this.#claimDue();
      } catch (error) {
        // Nothing is lost: what is due stays due, and the next tick tries again.
        counters.add('timer_loop_ready_error_count');
        log.error('due_not_claimed', { error: String(error) });
      }
    }
    // In the same step as the last look at what is asked, or a call in between would go unheard.
    this.#claiming = undefined;
  }

  async #claimDue(): Promise<void> {
    const { clock, store } = this.#deps;
    for (;;) {
      const room = Math.min(this.#dispatcher.room(), this.#settings.claimSize);
      this.#isWaitingForRoom = room < 1;
      if (this.#isWaitingForRoom || this.#stop.signal.aborted) return;
      const askedMs = clock.monotonicMs();
      const now = store.now();
      const late = Math.min(this.#catchUp.left(), room);
      const lateBefore = addSeconds(now, -this.#settings.lateAfterSeconds);
      const { more, moved } = await this.#ended.whileClaiming(async () => {
        const result = await store.claim(now, { firings: room, late, lateBefore });
        this.#account(result);
        this.#dispatcher.accept(result.claims);
        return result;
      });
      if (more && moved > 0) continue;
      this.#pulse.claimedAll(askedMs);
      return;
    }
  }

  #account({ misfires, merged, skipped }: ClaimResult): void {
    const { counters, log } = this.#deps;
    this.#catchUp.spend(misfires);
    if (misfires + merged + skipped === 0) return;
    counters.add('misfired_count', misfires);
    counters.add('merged_count', merged);
    counters.add('skipped_count', skipped);
    log.warn('due_times_missed', { misfires, merged, skipped });
  }

  #roomCameFree(): void {
    // A good part of the room at once: many small claims would each cost a durable step. No more than
    // a quarter of it, for half may be held by dead targets for long.
    const enough = Math.min(this.#settings.claimSize, this.#settings.dispatch.held / 4);
    if (this.#isWaitingForRoom && this.#dispatcher.room() >= enough) this.#claimSoon();
  }

  async #put({ draft, firstFireTime }: JudgedRequest, options?: CreateOptions): Promise<Plan> {
    const { counters, store } = this.#deps;
    const plan = await store.put(draft, firstFireTime, options);
    const isInterval = plan.schedule.kind === 'interval';
    counters.add(isInterval ? 'create_timeouted_count' : 'created_count');
    this.#stored(plan, firstFireTime);
    return plan;
  }

  #stored({ key, generation }: Plan, nextFireTime: UnixSeconds): void {
    this.#endOlder(key, generation);
    if (nextFireTime <= this.#deps.store.now()) this.#claimSoon();
  }

  #endOlder(key: string, beforeGeneration: number): void {
    this.#dispatcher.void(key, beforeGeneration);
    this.#ended.end(key, beforeGeneration);
  }
}
