import { type Flag, readCommandLine } from '../config/command-line.ts';
import { tokenText, type Token } from '../grammar/tokens.ts';
import { countedTexts, type Expected } from './arguments.ts';
import { UsageError, type Command } from './command.ts';

/** Flags of single commands: on the command line of `forsun`, options.ts hands them on to theirs. */
export const ownFlags = {
  limit: { flag: 'limit', takes: 'text', meaning: 'failures, ls: show so many' },
  after: {
    flag: 'after',
    takes: 'text',
    meaning: 'ls, export, import: go on behind the plan with this key',
  },
  prefix: {
    flag: 'prefix',
    takes: 'text',
    meaning: 'rm, export: all plans whose keys begin with this text',
  },
  yes: { flag: 'yes', takes: 'nothing', meaning: 'rm: do not ask before' },
  output: { flag: 'output', takes: 'text', meaning: 'export: write to this file' },
  replace: { flag: 'replace', takes: 'nothing', meaning: 'import: replace plans that are there' },
  skipBad: { flag: 'skip-bad', takes: 'nothing', meaning: 'import: leave bad plans out, go on' },
  fromForsunRedis: {
    flag: 'from-forsun-redis',
    takes: 'text',
    meaning: 'import: from the Redis of forsun 0.1, as redis://host:6379/0',
  },
  fromForsunDump: {
    flag: 'from-forsun-dump',
    takes: 'text',
    meaning: 'import: from a dump file of forsun 0.1',
  },
  sourcePrefix: {
    flag: 'source-prefix',
    takes: 'text',
    meaning: 'import: its --driver-redis-prefix (default: forsun)',
  },
  sourceServerId: {
    flag: 'source-server-id',
    takes: 'text',
    meaning: 'import: its --driver-redis-server-id (default: 0)',
  },
  sourceTimezone: {
    flag: 'source-timezone',
    takes: 'text',
    meaning: 'import: the time zone of the machine it ran on, as UTC or Asia/Shanghai',
  },
  overdue: {
    flag: 'overdue',
    takes: 'text',
    meaning: 'import: what is past due: fire it now, or skip it',
  },
} as const satisfies Readonly<Record<string, Flag>>;

/** What was typed behind a command that has flags of its own. */
export interface FlaggedArguments {
  readonly words: readonly string[];
  /** The text of a flag, `yes` of one that takes none; undefined when it was not given. */
  readonly flag: (flag: Flag) => string | undefined;
}

/** The arguments of the command, its flags taken out; so many words must be left. */
export function flaggedArguments(
  args: readonly Token[],
  { flags = [] }: Pick<Command, 'flags'>,
  expected: Expected,
): FlaggedArguments {
  const { words, flags: given } = readCommandLine(args.map(tokenText), flags);
  return {
    words: countedTexts(words, expected),
    flag: ({ flag }) => given.get(flag)?.at(-1),
  };
}

/** A number of things to show. */
export function limitOf(text: string, most: number): number {
  const limit = Number(text);
  if (/^\d+$/.test(text) && limit >= 1 && limit <= most) return limit;
  throw new UsageError(`a limit is a number from 1 to ${most}, not "${text}"`);
}

/**
 * The words of a command line with the command's own flags among them, which were taken out of it: behind
 * its name, all else behind `--`.
 */
export function withOwnFlags(
  words: readonly string[],
  commands: readonly Command[],
  textOf: (flag: string) => string | undefined,
): readonly string[] {
  const [name = '', ...rest] = words;
  const given: string[] = [];
  for (const known of Object.values(ownFlags)) {
    const text = textOf(known.flag);
    if (text === undefined) continue;
    const takers = commands.filter(({ flags = [] }) => flags.includes(known));
    if (!takers.some((command) => command.name === name)) {
      const names = takers.map((command) => command.name).join(', ');
      const whose = takers.length === 1 ? `the command ${names}` : `one of the commands ${names}`;
      throw new UsageError(`--${known.flag} goes with ${whose}, and stands behind it`);
    }
    given.push(known.takes === 'nothing' ? `--${known.flag}` : `--${known.flag}=${text}`);
  }
  const looksFlagged = rest.some((word) => word.startsWith('-'));
  const takesFlags = commands.some((command) => command.name === name && command.flags);
  return takesFlags && (given.length > 0 || looksFlagged) ? [name, ...given, '--', ...rest] : words;
}
