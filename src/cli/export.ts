import type { Plan } from '../client/plan.ts';
import { quote } from '../core/errors.ts';
import { checkHidden } from '../core/secret-params.ts';
import { UsageError, type Command, type CommandContext } from './command.ts';
import { ExportFile, type ExportSink } from './export-file.ts';
import { interruptible } from './interruptible.ts';
import { listedPlans } from './listed-plans.ts';
import { flaggedArguments, ownFlags } from './own-flags.ts';
import { beginLine, endLine, planLine } from './plan-lines.ts';
import { countedPlans, grouped, Progress } from './progress.ts';

const { prefix, output, after } = ownFlags;
const usage = '[--prefix P] [--output FILE] [--after KEY]';

export const exportCommand: Command = {
  name: 'export',
  usage,
  flags: [prefix, output, after],
  summary: 'write plans as JSON lines, for import into another server',
  async run(args, context) {
    const { flag } = flaggedArguments(args, this, { from: 0, to: 0, usage: `export ${usage}` });
    const path = flag(output);
    const behind = flag(after);
    const isFile = path !== undefined && path !== '-';
    const sink = isFile ? await ExportFile.open(path, behind) : toOutput(context);
    const exported = new Export(sink, context);
    await interruptible((signal) =>
      exported.run({ prefix: flag(prefix) ?? '', after: behind }, signal),
    );
  },
};

/** So many characters are written at once. */
const pieceSize = 64 * 1024;

class Export {
  readonly #sink: ExportSink;
  readonly #context: CommandContext;
  readonly #progress: Progress;
  #lines = '';
  /** The keys of the newest plan written, and of the newest that is to be. */
  #writtenKey: string | undefined;
  #gatheredKey: string | undefined;
  /** Plans that were left out, and plans of which firings were. */
  #ended = 0;
  #unfinished = 0;

  constructor(sink: ExportSink, context: CommandContext) {
    this.#sink = sink;
    this.#context = context;
    this.#progress = new Progress('plans exported', context);
  }

  async run(
    range: { readonly prefix: string; readonly after: string | undefined },
    signal: AbortSignal,
  ): Promise<void> {
    const { client } = this.#context;
    this.#writtenKey = range.after;
    signal.addEventListener('abort', () => client.close());
    try {
      for await (const plan of listedPlans(client, range)) await this.#take(plan);
      await this.#write();
      await this.#sink.finish();
    } catch (error) {
      await this.#write().catch(() => undefined);
      await this.#sink.leave().catch(() => undefined);
      await this.#progress.end();
      if (this.#writtenKey !== undefined)
        await this.#note(`go on with --after ${quote(this.#writtenKey)}`);
      throw error;
    }
    await this.#progress.end();
    await this.#note(this.#summary());
  }

  async #take(plan: Plan): Promise<void> {
    const hasUnfinished = plan.unfinished !== undefined;
    if (plan.nextFireTime === undefined && !hasUnfinished) {
      this.#ended++;
      return;
    }
    if (plan.nextFireTime !== undefined && hasUnfinished) this.#unfinished++;
    requireSecrets(plan);
    this.#lines += planLine(plan);
    this.#gatheredKey = plan.key;
    await this.#progress.add();
    if (this.#lines.length >= pieceSize) await this.#write();
  }

  async #write(): Promise<void> {
    const lines = this.#lines;
    this.#lines = '';
    if (lines === '') return;
    await this.#sink.write(lines);
    this.#writtenKey = this.#gatheredKey;
  }

  #summary(): string {
    const parts = [`exported ${countedPlans(this.#progress.count)}`];
    if (this.#ended > 0) parts.push(`${grouped(this.#ended)} had ended and were left out`);
    if (this.#unfinished > 0) {
      parts.push(`of ${grouped(this.#unfinished)} a firing had not ended, which stays behind`);
    }
    return parts.join('; ');
  }

  async #note(text: string): Promise<void> {
    const { notes, json } = this.#context;
    if (!json) await notes.write(`${notes.paint('faint', text)}\n`);
  }
}

/** Standard output, in place of a file. */
function toOutput({ output }: CommandContext): ExportSink {
  let hasBegun = false;
  const write = async (lines: string): Promise<void> => {
    await output.write(hasBegun ? lines : beginLine + lines);
    hasBegun = true;
  };
  return { write, finish: () => write(endLine), leave: () => Promise.resolve() };
}

/** A secret that is hidden here would be lost there. */
function requireSecrets({ key, params }: Plan): void {
  try {
    checkHidden(params);
  } catch {
    const how = 'export with the token of an admin (--token-file), who sees them';
    throw new UsageError(`secrets of the plan ${quote(key)} are hidden from you: ${how}`);
  }
}
