import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';

import type { Flag } from '../config/command-line.ts';
import { UsageError, type Command, type CommandContext } from './command.ts';
import { Import } from './importing.ts';
import { interruptible } from './interruptible.ts';
import { openOriginal } from './original-source.ts';
import { type FlaggedArguments, flaggedArguments, ownFlags } from './own-flags.ts';
import { ExportedPlans, type PlanSource } from './plan-source.ts';

const { after, replace, skipBad, fromForsunRedis, fromForsunDump } = ownFlags;
const { sourcePrefix, sourceServerId, sourceTimezone, overdue } = ownFlags;
const ofOriginal = [sourceTimezone, overdue];
const ofRedis = [sourcePrefix, sourceServerId];
const usage =
  '(FILE | - | --from-forsun-redis URL | --from-forsun-dump FILE) [--after KEY] [--replace] [--skip-bad]';

export const importCommand: Command = {
  name: 'import',
  usage,
  flags: [after, replace, skipBad, fromForsunRedis, fromForsunDump, ...ofOriginal, ...ofRedis],
  summary: 'put the plans of an export, or of forsun 0.1, on the server; what is there stays',
  async run(args, context) {
    const given = flaggedArguments(args, this, { from: 0, to: 1, usage: `import ${usage}` });
    const { flag } = given;
    judge(given);
    const wishes = {
      after: flag(after),
      onlyIfAbsent: flag(replace) === undefined,
      skipsBad: flag(skipBad) !== undefined,
    };
    await interruptible(async (signal) => {
      signal.addEventListener('abort', () => context.client.close());
      const source = await sourceOf(given, context, signal);
      await new Import(wishes, context).run(source, signal);
    });
  },
};

/** Throws UsageError unless there is one place to read from, and flags that go with it. */
function judge({ words, flag }: FlaggedArguments): void {
  const places = [fromForsunRedis, fromForsunDump].filter((one) => flag(one) !== undefined);
  if (places.length + words.length !== 1) throw new UsageError(`expected import ${usage}`);
  const refuse = (flags: readonly Flag[], goesWith: string): void => {
    const other = flags.find((one) => flag(one) !== undefined);
    if (other !== undefined) throw new UsageError(`--${other.flag} goes with ${goesWith}`);
  };
  if (places.length === 0) {
    refuse(ofOriginal, `--${fromForsunRedis.flag} or --${fromForsunDump.flag}`);
  } else {
    refuse([after], 'an export; the plans of forsun have no order: run it again as it was');
  }
  if (flag(fromForsunRedis) === undefined) refuse(ofRedis, `--${fromForsunRedis.flag}`);
}

async function sourceOf(
  { words, flag }: FlaggedArguments,
  context: CommandContext,
  signal: AbortSignal,
): Promise<PlanSource> {
  const [path] = words;
  if (path !== undefined) return new ExportedPlans(inputOf(path, context), flag(after));
  const wishes = {
    redis: flag(fromForsunRedis),
    dump: flag(fromForsunDump),
    prefix: flag(sourcePrefix) ?? 'forsun',
    serverId: flag(sourceServerId) ?? '0',
    timezone: flag(sourceTimezone),
    overdue: flag(overdue),
    skipsBad: flag(skipBad) !== undefined,
  };
  return openOriginal(wishes, context, signal);
}

function inputOf(path: string, { input }: CommandContext): Readable {
  if (path !== '-') return createReadStream(path);
  if (input !== undefined) return input;
  throw new UsageError('- is standard input, from where these commands come: name a file');
}
