import { createReadStream } from 'node:fs';
import { addAbortSignal, Readable } from 'node:stream';

import { ForsunPlanError } from '../client/errors.ts';
import { quote } from '../core/errors.ts';
import { UsageError, type Command, type CommandContext } from './command.ts';
import { callsAhead, inOrder } from './in-order.ts';
import { interruptible } from './interruptible.ts';
import { type Line, linesOf } from './lines.ts';
import { printable } from './output.ts';
import { flaggedArguments, ownFlags } from './own-flags.ts';
import { BadPlanLine, type PlanLine, readPlanLine } from './plan-lines.ts';
import { countedPlans, grouped, Progress } from './progress.ts';

const { after, replace, skipBad } = ownFlags;
const usage = '(FILE | -) [--after KEY] [--replace] [--skip-bad]';

export const importCommand: Command = {
  name: 'import',
  usage,
  flags: [after, replace, skipBad],
  summary: 'put the plans of an export on the server, as they stood; what is there stays',
  async run(args, context) {
    const expected = { from: 1, to: 1, usage: `import ${usage}` };
    const { words, flag } = flaggedArguments(args, this, expected);
    const input = inputOf(words[0] ?? '-', context);
    const wishes = {
      after: flag(after),
      onlyIfAbsent: flag(replace) === undefined,
      skipsBad: flag(skipBad) !== undefined,
    };
    await interruptible((signal) => {
      addAbortSignal(signal, input);
      signal.addEventListener('abort', () => context.client.close());
      return new Import(wishes, context).run(input);
    });
  },
};

function inputOf(path: string, { input }: CommandContext): Readable {
  if (path !== '-') return createReadStream(path);
  if (input !== undefined) return input;
  throw new UsageError('- is standard input, from where these commands come: name a file');
}

interface Wishes {
  /** The key of the last plan that was taken before. */
  readonly after: string | undefined;
  readonly onlyIfAbsent: boolean;
  readonly skipsBad: boolean;
}

/** What has become of a line. */
type Taken =
  | { readonly kind: 'restored' | 'there'; readonly key: string }
  | { readonly kind: 'bad'; readonly reason: string };

class Import {
  readonly #wishes: Wishes;
  readonly #context: CommandContext;
  readonly #progress: Progress;
  readonly #counts = { restored: 0, there: 0, bad: 0 };
  #lastKey: string | undefined;
  #isWhole = false;

  constructor(wishes: Wishes, context: CommandContext) {
    this.#wishes = wishes;
    this.#context = context;
    this.#progress = new Progress('plans', context);
    this.#lastKey = wishes.after;
  }

  async run(input: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      const lines = this.#lines(input);
      for await (const taken of inOrder(lines, callsAhead, (line) => this.#restore(line))) {
        await this.#account(taken);
      }
    } catch (error) {
      await this.#summarize();
      if (this.#lastKey !== undefined)
        await this.#note(`go on with --after ${quote(this.#lastKey)}`);
      throw error;
    }
    await this.#summarize();
    const { bad } = this.#counts;
    if (bad === 1) throw new Error('1 line was left out');
    if (bad > 0) throw new Error(`${grouped(bad)} lines were left out`);
    if (!this.#isWhole) throw new Error(noEnd);
  }

  /** The lines of plans, from where it is to go on; marks and blank lines are none. */
  async *#lines(input: AsyncIterable<Uint8Array>): AsyncGenerator<ReadLine> {
    let passed = this.#wishes.after === undefined;
    for await (const line of linesOf(input)) {
      if (line.text?.trim() === '') continue;
      const read = readLine(line);
      if (line.number === 1 && read.kind !== 'begin') {
        throw new BadPlanLine(read.kind === 'bad' ? read.reason : noBeginning);
      }
      this.#isWhole = read.kind === 'end';
      if (read.kind === 'begin' || read.kind === 'end') continue;
      if (passed) yield read;
      else passed = read.kind === 'plan' && read.plan.key === this.#wishes.after;
    }
    if (!passed) throw new UsageError(`no line has the key ${quote(this.#wishes.after ?? '')}`);
  }

  async #restore(line: ReadLine): Promise<Taken> {
    if (line.kind === 'bad') return line;
    if (line.kind !== 'plan') throw new TypeError(`a line of kind ${line.kind} is no plan`);
    const { plan, number } = line;
    const { onlyIfAbsent } = this.#wishes;
    try {
      await this.#context.client.restore(plan, { onlyIfAbsent });
      return { kind: 'restored', key: plan.key };
    } catch (error) {
      if (!(error instanceof ForsunPlanError)) throw error;
      if (error.code === planExists) return { kind: 'there', key: plan.key };
      if (!refusals.has(error.code)) throw error;
      const reason = `line ${number}, ${quote(plan.key)}: ${error.message} (${error.code})`;
      return { kind: 'bad', reason };
    }
  }

  async #account(taken: Taken): Promise<void> {
    if (taken.kind === 'bad') {
      if (!this.#wishes.skipsBad) throw new BadPlanLine(taken.reason);
      await this.#progress.end();
      await this.#note(taken.reason);
    } else {
      this.#lastKey = taken.key;
    }
    this.#counts[taken.kind]++;
    await this.#progress.add();
  }

  async #summarize(): Promise<void> {
    const { output, json } = this.#context;
    const { restored, there, bad } = this.#counts;
    await this.#progress.end();
    if (json) {
      const document = { restored, there, bad, last_key: this.#lastKey ?? null };
      await output.write(`${JSON.stringify(document)}\n`);
      return;
    }
    const stayed = there > 0 ? `; ${grouped(there)} were there, and stay as they are` : '';
    await output.write(`restored ${countedPlans(restored)}${stayed}\n`);
  }

  async #note(text: string): Promise<void> {
    await this.#context.notes.write(`${printable(text)}\n`);
  }
}

const noEnd = 'the last line of an export is missing: it is empty, or was cut short';
const noBeginning = 'line 1: it is no export, whose first line is {"forsun_plans":1}';

type ReadLine =
  (PlanLine & { readonly number: number }) | { readonly kind: 'bad'; readonly reason: string };

function readLine({ number, text }: Line): ReadLine {
  if (text === undefined) {
    return { kind: 'bad', reason: `line ${number}: it is no UTF-8, or too long for a plan` };
  }
  try {
    return { ...readPlanLine(text), number };
  } catch (error) {
    if (!(error instanceof BadPlanLine)) throw error;
    return { kind: 'bad', reason: `line ${number}: ${error.message}` };
  }
}

const planExists = 1008;
/** What is wrong with the plan, and with no other: docs/errors.md. */
const refusals: ReadonlySet<number> = new Set([1002, 1006, 1007]);
