import type { Failure } from '../client/failure.ts';
import { maxFailuresListed } from '../core/failure.ts';
import { formatWord } from '../grammar/quoting.ts';
import type { Command } from './command.ts';
import { writeList } from './list-output.ts';
import { formatLocalTime } from './local-time.ts';
import { printable, type Paint } from './output.ts';
import { flaggedArguments, limitOf, ownFlags } from './own-flags.ts';

const usage = '[PREFIX] [--limit N]';

export const failuresCommand: Command = {
  name: 'failures',
  usage,
  flags: [ownFlags.limit],
  summary: 'show what has failed, newest first, of keys that begin with PREFIX, or all (*)',
  async run(args, context) {
    const expected = { from: 0, to: 1, usage: `failures ${usage}` };
    const { words, flag } = flaggedArguments(args, this, expected);
    const [prefix = ''] = words;
    const text = flag(ownFlags.limit) ?? String(maxFailuresListed);
    const limit = limitOf(text, maxFailuresListed);
    const failures = await context.client.getFailures(prefix, limit);
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
