import { createInterface } from 'node:readline';

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

/** The `forsun` command: runs what it is given and sets the exit code: 1 for whatever fails, as forsun's. */
export async function main(args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  leaveWhenNobodyReads();
  const stdout = outputTo(process.stdout, paintFor(process.stdout.isTTY, env));
  const stderr = outputTo(process.stderr, paintFor(process.stderr.isTTY, env));
  let json = args.includes('--json');
  try {
    const options = readOptions(args, env);
    json = options.json;
    if (options.wants === 'help') await stdout.write(`${helpText()}\n`);
    else if (options.wants === 'version') await stdout.write(`${forsunVersion()}\n`);
    else await run(options, stdout, stderr);
  } catch (error) {
    await stderr.write(stderr.paint('error', errorLine(toldError(error), json).trimEnd()) + '\n');
    process.exitCode = 1;
  }
}

async function run(options: Options, output: Output, notes: Output): Promise<void> {
  const { server, json, line, words } = options;
  const open = (): ForsunClient => new ForsunClient(server);
  const isCommand = line !== undefined || words.length > 0;
  if (!isCommand && process.stdin.isTTY && output.isTerminal) {
    await runPrompt({ open, output, notes, json, clock: systemClock });
    return;
  }
  const canAsk = process.stdin.isTTY && notes.isTerminal;
  const more = {
    ...(canAsk ? { ask: askTerminal } : {}),
    ...(isCommand ? { input: process.stdin } : {}),
  };
  const context = { client: open(), output, notes, clock: systemClock, json, ...more };
  try {
    if (isCommand)
      await runAll(line === undefined ? tokensOfWords(words) : tokenize(line), context);
    else
      for await (const typed of createInterface(process.stdin))
        await runAll(tokenize(typed), context);
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
