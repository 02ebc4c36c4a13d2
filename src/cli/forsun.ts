import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

import { ForsunClient } from '../client/forsun-client.ts';
import { tokenize, type Token } from '../grammar/tokens.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { forsunVersion } from '../runtime/version.ts';
import { askTerminal } from './ask.ts';
import { Exit, type CommandContext } from './command.ts';
import { runCommand } from './commands.ts';
import { helpText, readOptions, type Options } from './options.ts';
import { outputTo, paintFor, type Output } from './output.ts';
import { runPrompt } from './prompt.ts';
import { errorLine, toldError } from './told-error.ts';
import { tokensOfWords } from './words.ts';

/** Where a `forsun` reads and writes; `process` is one. */
export interface Streams {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable & { readonly isTTY?: boolean };
}

/** The `forsun` command as a process: sets its exit code. */
export async function main(args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  leaveWhenNobodyReads();
  process.exitCode = await forsun(args, env, process);
}

/** Runs what the command line says and resolves to the exit code: 1 for whatever fails, as forsun's. */
export async function forsun(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  { stdin, stdout, stderr }: Streams,
): Promise<0 | 1> {
  const output = outputTo(stdout, paintFor(stdout.isTTY === true, env));
  const notes = outputTo(stderr, paintFor(stderr.isTTY === true, env));
  let json = args.includes('--json');
  try {
    const options = readOptions(args, env);
    json = options.json;
    if (options.wants === 'help') await output.write(`${helpText()}\n`);
    else if (options.wants === 'version') await output.write(`${forsunVersion()}\n`);
    else await run(options, stdin, output, notes);
    return 0;
  } catch (error) {
    await notes.write(notes.paint('error', errorLine(toldError(error), json).trimEnd()) + '\n');
    return 1;
  }
}

async function run(
  options: Options,
  stdin: Streams['stdin'],
  output: Output,
  notes: Output,
): Promise<void> {
  const { server, json, line, words } = options;
  const open = (): ForsunClient => new ForsunClient(server);
  const isCommand = line !== undefined || words.length > 0;
  if (!isCommand && stdin.isTTY === true && output.isTerminal) {
    await runPrompt({ open, output, notes, json, clock: systemClock });
    return;
  }
  const canAsk = stdin.isTTY === true && notes.isTerminal;
  const more = {
    ...(canAsk ? { ask: askTerminal } : {}),
    ...(isCommand ? { input: stdin } : {}),
  };
  const context = { client: open(), output, notes, clock: systemClock, json, ...more };
  try {
    if (isCommand)
      await runAll(line === undefined ? tokensOfWords(words) : tokenize(line), context);
    else for await (const typed of createInterface(stdin)) await runAll(tokenize(typed), context);
  } catch (error) {
    if (!(error instanceof Exit)) throw error;
  } finally {
    context.client.close();
  }
}

/** Stops at the first error. */
async function runAll(
  commands: readonly (readonly Token[])[],
  context: CommandContext,
): Promise<void> {
  for (const command of commands) await runCommand(command, context);
}

/** `forsun ls | head` ends when head does: a reader that left is no error. */
function leaveWhenNobodyReads(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit();
      if (stream !== process.stderr)
        process.stderr.write(`forsun: cannot write: ${error.message}\n`);
      process.exit(1);
    });
  }
}
