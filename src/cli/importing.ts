import { ForsunPlanError } from '../client/errors.ts';
import { quote } from '../core/errors.ts';
import type { CommandContext } from './command.ts';
import { callsAhead, inOrder } from './in-order.ts';
import { printable } from './output.ts';
import type { FoundPlan, PlanSource } from './plan-source.ts';
import { countedPlans, grouped, Progress } from './progress.ts';

export interface ImportWishes {
  /** The key of the last plan that was taken before. */
  readonly after: string | undefined;
  readonly onlyIfAbsent: boolean;
  readonly skipsBad: boolean;
}

/** What has become of a plan. */
type Taken =
  | { readonly kind: 'restored' | 'there'; readonly key: string }
  | Exclude<FoundPlan, { readonly kind: 'plan' }>;

/** A plan that cannot be taken ends an import, unless such are to be left out. */
class BadPlan extends Error {
  override readonly name = 'BadPlan';
}

/** Restores the plans of a source, tells how far it is and what became of them. */
export class Import {
  readonly #wishes: ImportWishes;
  readonly #context: CommandContext;
  readonly #progress: Progress;
  readonly #counts = { restored: 0, there: 0, bad: 0, 'left out': 0, ended: 0 };
  #lastKey: string | undefined;

  constructor(wishes: ImportWishes, context: CommandContext) {
    this.#wishes = wishes;
    this.#context = context;
    this.#progress = new Progress('plans', context);
    this.#lastKey = wishes.after;
  }

  async run(source: PlanSource, signal: AbortSignal): Promise<void> {
    try {
      const plans = source.plans(signal);
      for await (const taken of inOrder(plans, callsAhead, (plan) => this.#restore(plan))) {
        await this.#account(taken);
      }
    } catch (error) {
      await this.#summarize(source);
      if (source.isOrdered && this.#lastKey !== undefined)
        await this.#note(`go on with --after ${quote(this.#lastKey)}`);
      throw error;
    }
    await this.#summarize(source);
    const { bad } = this.#counts;
    const [what, them] = source.isOrdered ? ['line', 'lines'] : ['plan', 'plans'];
    if (bad === 1) throw new Error(`1 ${what} was left out`);
    if (bad > 0) throw new Error(`${grouped(bad)} ${them} were left out`);
    if (source.fault !== undefined) throw new Error(source.fault);
  }

  async #restore(found: FoundPlan): Promise<Taken> {
    if (found.kind !== 'plan') return found;
    const { plan, where } = found;
    const { onlyIfAbsent } = this.#wishes;
    try {
      await this.#context.client.restore(plan, { onlyIfAbsent });
      return { kind: 'restored', key: plan.key };
    } catch (error) {
      if (!(error instanceof ForsunPlanError)) throw error;
      if (error.code === planExists) return { kind: 'there', key: plan.key };
      if (!refusals.has(error.code)) throw error;
      const reason = `${where}, ${quote(plan.key)}: ${error.message} (${error.code})`;
      return { kind: 'bad', reason };
    }
  }

  async #account(taken: Taken): Promise<void> {
    if ('key' in taken) {
      this.#lastKey = taken.key;
    } else if (taken.kind !== 'ended') {
      if (taken.kind === 'bad' && !this.#wishes.skipsBad) throw new BadPlan(taken.reason);
      await this.#progress.end();
      await this.#note(taken.reason);
    }
    this.#counts[taken.kind]++;
    await this.#progress.add();
  }

  async #summarize({ isOrdered }: PlanSource): Promise<void> {
    const { output, json } = this.#context;
    const { restored, there, bad, 'left out': left_out, ended } = this.#counts;
    await this.#progress.end();
    if (json) {
      const last_key = isOrdered ? (this.#lastKey ?? null) : null;
      await output.write(
        `${JSON.stringify({ restored, there, bad, left_out, ended, last_key })}\n`,
      );
      return;
    }
    const parts = [`restored ${countedPlans(restored)}`];
    if (there === 1) parts.push('1 was there, and stays as it is');
    if (there > 1) parts.push(`${grouped(there)} were there, and stay as they are`);
    if (left_out > 0)
      parts.push(`${grouped(left_out)} ${left_out === 1 ? 'was' : 'were'} left out`);
    if (ended > 0) parts.push(`${grouped(ended)} had ended`);
    await output.write(`${parts.join('; ')}\n`);
  }

  async #note(text: string): Promise<void> {
    await this.#context.notes.write(`${printable(text)}\n`);
  }
}

const planExists = 1008;
/** What is wrong with the plan, and with no other: docs/errors.md. */
const refusals: ReadonlySet<number> = new Set([1002, 1006, 1007]);
