import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline/promises';

import { ForsunConnectionError } from '../client/errors.ts';
import type { ForsunClient } from '../client/forsun-client.ts';
import type { Clock } from '../core/time.ts';
import { tokenize } from '../grammar/tokens.ts';
import { forsunVersion } from '../runtime/version.ts';
import { type Ask, isYes } from './ask.ts';
import { Exit } from './command.ts';
import { runCommand } from './commands.ts';
import { complete } from './completion.ts';
import { History, HISTORY_LINES } from './history.ts';
import type { Output } from './output.ts';
import { errorLine, toldError } from './told-error.ts';

export interface PromptOptions {
  /** A new client; the prompt closes it. */
  readonly open: () => ForsunClient;
  readonly output: Output;
  readonly notes: Output;
  readonly json: boolean;
  readonly clock: Clock;
}

/**
 * Reads and runs commands until exit or Ctrl-D. Ctrl-C gives up the command that runs, or clears the line;
 * twice on an empty line it leaves. An error is shown and ends its line, not the prompt. Rejects when at the
 * start no server answers, or it lets nobody do anything who brings what was brought.
 */
export async function runPrompt(options: PromptOptions): Promise<void> {
  const { output } = options;
  const read: ReadAnswer = (question, signal) => reader.question(question, { signal });
  const session = new Session(options, read);
  await session.client.info();
  const history = new History(join(homedir(), '.forsun_history'));
  const reader: Interface = createInterface({
    input: process.stdin,
    output: process.stdout,
    prompt: PROMPT,
    history: [...history.load()].reverse(),
    historySize: HISTORY_LINES,
    removeHistoryDuplicates: true,
    completer: (line: string) => complete(line, session.client),
  });
  handleInterrupts(reader, session, output);
  let unread = 0;
  reader.on('line', () => unread++);
  try {
    await output.write(`forsun ${forsunVersion()}. help shows the commands, Ctrl-D leaves.\n`);
    reader.prompt();
    let isPasted = false;
    for await (const line of reader) {
      unread--;
      history.add(line);
      if (isPasted) await output.write(`${PROMPT}${line}\n`);
      await session.run(line);
      isPasted = unread > 0; // its echo stands above the output of the lines before it
      if (!isPasted) reader.prompt();
    }
    await output.write('\n'); // behind Ctrl-D
  } catch (error) {
    if (!(error instanceof Exit)) throw error;
  } finally {
    reader.close();
    session.client.close();
  }
}

const PROMPT = 'forsun> ';
const GIVEN_UP = 'given up; a change may have been made all the same';

type ReadAnswer = (question: string, signal: AbortSignal) => Promise<string>;

class Session {
  readonly #options: PromptOptions;
  readonly #read: ReadAnswer;
  #client: ForsunClient;
  /** Of the line that runs; aborted when it is given up. */
  #run: AbortController | undefined;

  constructor(options: PromptOptions, read: ReadAnswer) {
    this.#options = options;
    this.#read = read;
    this.#client = options.open();
  }

  get client(): ForsunClient {
    return this.#client;
  }

  /** Runs the commands of a line up to the first that fails, and shows why. Throws Exit. */
  async run(line: string): Promise<void> {
    const { output, notes, json, clock } = this.#options;
    const run = new AbortController();
    this.#run = run;
    const ask: Ask = (question) =>
      this.#read(`${question} [y/N] `, run.signal).then(isYes, () => false);
    try {
      for (const command of tokenize(line)) {
        await runCommand(command, { client: this.#client, output, notes, json, clock, ask });
      }
    } catch (error) {
      if (error instanceof Exit) throw error;
      const isGivenUp = run.signal.aborted && error instanceof ForsunConnectionError;
      const text = isGivenUp ? GIVEN_UP : errorLine(toldError(error), json).trimEnd();
      await output.write(`${output.paint('error', text)}\n`);
    } finally {
      this.#run = undefined;
    }
  }

  /** Gives up the command that runs, if any: its calls fail with their connection. */
  interrupt(): boolean {
    if (this.#run === undefined) return false;
    this.#run.abort();
    this.#client.close();
    this.#client = this.#options.open();
    return true;
  }
}

function handleInterrupts(reader: Interface, session: Session, output: Output): void {
  let isLeaving = false;
  reader.on('line', () => (isLeaving = false));
  reader.on('SIGINT', () => {
    if (session.interrupt()) return;
    if (reader.line !== '') {
      isLeaving = false;
      reader.write(null, { ctrl: true, name: 'e' });
      void output.write('^C\n');
      reader.write(null, { ctrl: true, name: 'u' });
    } else if (isLeaving) {
      reader.close();
    } else {
      isLeaving = true;
      void output.write('\nCtrl-C again, or Ctrl-D, leaves.\n');
      reader.prompt();
    }
  });
}
