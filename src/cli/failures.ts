import type { Failure } from '../client/failure.ts';
import { type Flag, readCommandLine } from '../config/command-line.ts';
import { maxFailuresListed } from '../core/failure.ts';
import { formatWord } from '../grammar/quoting.ts';
import { tokenText } from '../grammar/tokens.ts';
import { countedTexts } from './arguments.ts';
import { UsageError, type Command } from './command.ts';
import { writeList } from './list-output.ts';
import { formatLocalTime } from './local-time.ts';
import { printable, type Paint } from './output.ts';

/** The flag of this command; on the command line of `forsun`, options.ts hands it on. */
export const limitFlag = {
  flag: 'limit',
  takes: 'text',
  meaning: 'with the command failures: show the newest so many',
} as const satisfies Flag;

export const failuresCommand: Command = {
  name: 'failures',
  usage: '[PREFIX] [--limit N]',
  summary: 'show what has failed, newest first, of keys that begin with PREFIX, or all (*)',
  async run(args, context) {
    const { words, flags } = readCommandLine(args.map(tokenText), [limitFlag]);
    const usage = 'failures [PREFIX] [--limit N]';
    const [prefix = ''] = countedTexts(words, { from: 0, to: 1, usage });
    const failures = await context.client.getFailures(prefix, limitOf(flags.get('limit')?.at(-1)));
    const keyWidth = Math.min(
      widestKey,
      Math.max(...failures.map(({ key }) => shownKey(key).length)),
    );
    const line = (failure: Failure, paint: Paint): string => failureLine(failure, keyWidth, paint);
    await writeList(failures, { line, json: failureJson }, context);
  },
};

/** Beyond it a key pushes what stands behind it to the right, alone in its line. */
const widestKey = 32;

function limitOf(text: string | undefined): number {
  const limit = Number(text ?? maxFailuresListed);
  if (Number.isInteger(limit) && limit >= 1 && limit <= maxFailuresListed) return limit;
  throw new UsageError(`a limit is a number from 1 to ${maxFailuresListed}, not "${text}"`);
}

/** For people: due time, key, attempts and reason, below those of the other lines. */
function failureLine(failure: Failure, keyWidth: number, paint: Paint): string {
  const { key, fireTime, attempts, reason } = failure;
  const time = paint('time', formatLocalTime(fireTime));
  const count = `${attempts} ${attempts === 1 ? 'attempt ' : 'attempts'}`;
  return `${time}  ${shownKey(key).padEnd(keyWidth)}  ${count}  ${printable(reason)}\n`;
}

const shownKey = (key: string): string => printable(formatWord(key));

/** For programs; docs/cli.md. */
const failureJson = ({ key, action, fireTime, attempts, failedAt, reason }: Failure): object => ({
  key,
  action,
  fire_time: fireTime,
  attempts,
  failed_at: failedAt,
  reason,
});
