import type { Plan, PlanRequest } from '../../src/core/plan.ts';
import type { CreateOptions } from '../../src/scheduler/plan-service.ts';
import { MemoryPlans } from './memory-plans.ts';

/** Plans whose changes and reads each wait until a test lets the oldest go on, or all. */
export class HeldPlans extends MemoryPlans {
  /** Calls in the order they were begun. */
  readonly begun: string[] = [];
  readonly #held: (() => void)[] = [];
  #isOpen = false;

  override async create(request: PlanRequest, options?: CreateOptions): Promise<Plan> {
    await this.#hold(`create ${request.key}`);
    return super.create(request, options);
  }

  override async remove(key: string): Promise<Plan> {
    await this.#hold(`remove ${key}`);
    return super.remove(key);
  }

  override async get(key: string): Promise<Plan> {
    await this.#hold(`get ${key}`);
    return super.get(key);
  }

  override async keys(prefix: string): Promise<readonly string[]> {
    await this.#hold('keys');
    return super.keys(prefix);
  }

  release(): void {
    this.#held.shift()?.();
  }

  releaseAll(): void {
    this.#isOpen = true;
    for (const resume of this.#held.splice(0)) resume();
  }

  async #hold(call: string): Promise<void> {
    this.begun.push(call);
    if (!this.#isOpen) await new Promise<void>((resolve) => this.#held.push(resolve));
  }
}
