import { UsageError } from './command.ts';

export interface Options {
  readonly host: string;
  readonly port: number;
  readonly json: boolean;
  readonly wants: 'commands' | 'help' | 'version';
  /** A command line to read with forsun's quoting rules (--exe, or one word). */
  readonly line?: string;
  /** The words of one command, split by the shell; empty, and no line: the prompt. */
  readonly words: readonly string[];
}

/**
 * Reads the arguments of `forsun`. Flags stand anywhere before `--`; negative numbers are words. The
 * environment gives host and port when no flag does; a FORSUN_PORT that is no number is not meant for us
 * (Kubernetes sets tcp://… for a service called forsun).
 */
export function readOptions(args: readonly string[], env: NodeJS.ProcessEnv): Options {
  const flags = new Map<string, string>();
  const words: string[] = [];
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '--') {
      words.push(...rest.splice(0));
    } else if (!/^-[^\d]/.test(arg)) {
      words.push(arg);
    } else {
      const [name, given] = splitFlag(arg);
      flags.set(
        name,
        valueFlags.has(name) ? (given ?? rest.shift() ?? missing(name)) : switchOf(name, given),
      );
    }
  }
  const envPort = env['FORSUN_PORT'] ?? '';
  const line = flags.get('exe') ?? (words.length === 1 ? words[0] : undefined);
  if (flags.has('exe') && words.length > 0) {
    throw new UsageError('--exe and a command exclude each other');
  }
  return {
    host: flags.get('host') ?? (env['FORSUN_HOST'] || '127.0.0.1'),
    port: portOf(flags.get('port') ?? (/^\d+$/.test(envPort) ? envPort : '6458')),
    json: flags.has('json'),
    wants: flags.has('help') ? 'help' : flags.has('version') ? 'version' : 'commands',
    ...(line === undefined ? { words } : { line, words: [] }),
  };
}

export const USAGE = `usage: forsun [--host HOST] [--port PORT] [--json] [COMMAND… | --exe 'COMMAND; …']
  --host HOST   where forsund listens; default FORSUN_HOST, else 127.0.0.1
  --port PORT   default FORSUN_PORT, else 6458
  --exe LINE    run the commands of LINE, separated by ;
  --json        one JSON document a command, for programs
  --version, --help
Without a command: a prompt, or the lines of standard input. forsun help shows the commands.
`;

const valueFlags = new Set(['host', 'port', 'exe']);
const switches = new Map([
  ['json', 'json'],
  ['help', 'help'],
  ['h', 'help'],
  ['version', 'version'],
  ['V', 'version'],
]);

function splitFlag(arg: string): readonly [name: string, value: string | undefined] {
  const match = /^--([a-z]+)(?:=(.*))?$/s.exec(arg) ?? /^-([hV])$/.exec(arg);
  const name = match?.[1] ?? '';
  if (valueFlags.has(name)) return [name, match?.[2]];
  const known = switches.get(name);
  if (known === undefined) throw new UsageError(`there is no option ${arg}`);
  return [known, match?.[2]];
}

function switchOf(name: string, value: string | undefined): string {
  if (value !== undefined) throw new UsageError(`--${name} takes no value`);
  return '';
}

function missing(name: string): never {
  throw new UsageError(`--${name} needs a value`);
}

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new UsageError(`a port is a number from 1 to 65535, not "${text}"`);
}
