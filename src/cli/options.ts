import type { ForsunClientOptions } from '../client/forsun-client.ts';
import { type Flag, helpPage, readCommandLine } from '../config/command-line.ts';
import { UsageError } from './command.ts';
import { commands } from './commands.ts';
import { ownFlags, withOwnFlags } from './own-flags.ts';
import { serverSettings } from './server-settings.ts';

export interface Options {
  readonly server: ForsunClientOptions;
  readonly json: boolean;
  readonly wants: 'commands' | 'help' | 'version';
  /** A command line to read with forsun's quoting rules (--exe, or one word). */
  readonly line?: string;
  /** The words of one command, split by the shell; empty, and no line: the prompt. */
  readonly words: readonly string[];
}

const flags = [
  {
    flag: 'host',
    takes: 'text',
    meaning: 'where forsund listens, or unix:/path (default: FORSUN_HOST, else 127.0.0.1)',
  },
  { flag: 'port', takes: 'text', meaning: 'its port (default: FORSUN_PORT, else 6458)' },
  { flag: 'tls', takes: 'yes or no', meaning: 'speak TLS; the flags below mean it too' },
  { flag: 'tls-ca', takes: 'text', meaning: "authorities that sign the server's certificate" },
  { flag: 'tls-cert', takes: 'text', meaning: 'certificate to show the server' },
  { flag: 'tls-key', takes: 'text', meaning: 'key of that certificate' },
  {
    flag: 'token-file',
    takes: 'text',
    meaning: 'file that holds the token to show (default: FORSUN_TOKEN, the token itself)',
  },
  { flag: 'exe', takes: 'text', meaning: 'run the commands of this line, separated by ;' },
  { flag: 'json', takes: 'nothing', meaning: 'print one JSON document a command, for programs' },
  { flag: 'help', short: 'h', takes: 'nothing', meaning: 'show this help' },
  { flag: 'version', short: 'V', takes: 'nothing', meaning: "show this command's version" },
] as const satisfies readonly Flag[];

/** The text of `forsun --help`. */
export const helpText = (): string =>
  helpPage({
    usage: `forsun: makes, shows and removes plans on a running forsund

Usage: forsun [flags] 'COMMAND; …'    run a line of commands, as forsun "get backup"
       forsun [flags] COMMAND …       run one command, its words split by your shell
       forsun [flags]                 a prompt, or the lines of standard input`,
    groups: new Map<string, readonly Flag[]>([
      ['Flags', flags],
      ['Flags of commands, behind their names', Object.values(ownFlags)],
    ]),
    epilogue: `forsun help shows the commands. What reaches the server may also stand in the environment and in
~/.config/forsun/config: see docs/cli.md.`,
  });

/** Reads the arguments of `forsun`. Flags stand anywhere before `--`; negative numbers are words. */
export function readOptions(args: readonly string[], env: NodeJS.ProcessEnv): Options {
  const { words: typed, flags: given } = readCommandLine(args, [
    ...flags,
    ...Object.values(ownFlags),
  ]);
  const text = (flag: string): string | undefined => given.get(flag)?.at(-1);
  const words = withOwnFlags(typed, commands, text);
  const exe = text('exe');
  if (exe !== undefined && words.length > 0) {
    throw new UsageError('--exe and a command exclude each other');
  }
  const wants = given.has('help') ? 'help' : given.has('version') ? 'version' : 'commands';
  const line = exe ?? (words.length === 1 ? words[0] : undefined);
  return {
    server: wants === 'commands' ? serverSettings(text, env) : {},
    json: given.has('json'),
    wants,
    ...(line === undefined ? { words } : { line, words: [] }),
  };
}
