import { addAbortSignal, type Readable } from 'node:stream';

import type { Plan } from '../client/plan.ts';
import { quote } from '../core/errors.ts';
import { UsageError } from './command.ts';
import { type Line, linesOf } from './lines.ts';
import { BadPlanLine, type PlanLine, readPlanLine } from './plan-lines.ts';

/** What an import finds where it reads. */
export type FoundPlan =
  | { readonly kind: 'plan'; readonly plan: Plan; readonly where: string }
  /** It cannot be carried over; the reason says where it stands. */
  | { readonly kind: 'bad'; readonly reason: string }
  /** It is not to be carried over, as was asked. */
  | { readonly kind: 'left out'; readonly reason: string }
  /** It is due no more. */
  | { readonly kind: 'ended' };

/** Plans to be restored. */
export interface PlanSource {
  plans(signal: AbortSignal): AsyncIterable<FoundPlan>;
  /** What is wrong with it as a whole, once all of it has been read. */
  readonly fault: string | undefined;
  /** Its plans have an order, in which one can go on behind a key. */
  readonly isOrdered: boolean;
}

/** The plans of an export, from where it is to go on; marks and blank lines are none. */
export class ExportedPlans implements PlanSource {
  readonly isOrdered = true;
  readonly #input: Readable;
  readonly #after: string | undefined;
  #isWhole = false;

  constructor(input: Readable, after: string | undefined) {
    this.#input = input;
    this.#after = after;
  }

  get fault(): string | undefined {
    return this.#isWhole ? undefined : noEnd;
  }

  async *plans(signal: AbortSignal): AsyncGenerator<FoundPlan> {
    let passed = this.#after === undefined;
    for await (const line of linesOf(addAbortSignal(signal, this.#input))) {
      if (line.text?.trim() === '') continue;
      const read = readLine(line);
      if (line.number === 1 && read.kind !== 'begin') {
        throw new BadPlanLine(read.kind === 'bad' ? read.reason : noBeginning);
      }
      this.#isWhole = read.kind === 'end';
      if (read.kind === 'bad' && !line.isWhole) break; // cut short, as `fault` tells
      if (read.kind === 'plan' && passed) yield { ...read, where: `line ${line.number}` };
      else if (read.kind === 'plan') passed = read.plan.key === this.#after;
      else if (read.kind === 'bad' && passed) yield read;
    }
    if (!passed) throw new UsageError(`no line has the key ${quote(this.#after ?? '')}`);
  }
}

const noEnd = 'the last line of an export is missing: it is empty, or was cut short';
const noBeginning = 'line 1: it is no export, whose first line is {"forsun_plans":1}';

function readLine({
  number,
  text,
}: Line): PlanLine | { readonly kind: 'bad'; readonly reason: string } {
  if (text === undefined) {
    return { kind: 'bad', reason: `line ${number}: it is no UTF-8, or too long for a plan` };
  }
  try {
    return readPlanLine(text);
  } catch (error) {
    if (!(error instanceof BadPlanLine)) throw error;
    return { kind: 'bad', reason: `line ${number}: ${error.message}` };
  }
}
