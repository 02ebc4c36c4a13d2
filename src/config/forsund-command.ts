import type { Environment } from './environment.ts';
import { readFlags } from './flags.ts';
import { helpText } from './help.ts';
import { type Loaded, loadConfig } from './load.ts';
import type { Config } from './schema.ts';
import { SettingError } from './setting-error.ts';

/** What a command line asks of forsund. */
export type ForsundCommand =
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version' }
  | {
      readonly kind: 'serve';
      readonly config: Config;
      readonly warnings: readonly string[];
      readonly demon: boolean;
    }
  | {
      readonly kind: 'check';
      readonly config: Config;
      readonly warnings: readonly string[];
      readonly repair: boolean;
    }
  | { readonly kind: 'health'; readonly config: Config; readonly warnings: readonly string[] }
  | {
      readonly kind: 'token';
      readonly config: Config;
      readonly warnings: readonly string[];
      /** A name, a role, and what the token is kept to, as a line of the token file has them. */
      readonly words: readonly string[];
    };

/** Reads arguments, environment and conf file; throws SettingError, one line, for what cannot be used. */
export function parseForsundArgs(
  argv: readonly string[],
  environment: Environment,
  readFile: (path: string) => string,
): ForsundCommand {
  const { words, flags, settings } = readFlags(argv);
  if (flags.has('help')) return { kind: 'help', text: helpText() };
  if (flags.has('version')) return { kind: 'version' };

  const command = commandOf(words);
  const isCheck = command === 'check';
  const repair = flags.has('repair');
  const demon = flags.get('demon') === 'yes';
  if (repair && !isCheck) throw usage('--repair goes with the command check');
  if (demon && command !== 'serve') {
    throw usage(`--demon does not go with the command ${command}`);
  }
  if (demon && flags.get('nodemon') === 'yes')
    throw usage('--demon and --nodemon exclude each other');

  const load = (): Loaded => {
    const file = flags.get('conf') || environment['FORSUN_CONF'];
    const conf = file ? { conf: { file, text: textOf(file, readFile) } } : {};
    return loadConfig({ ...conf, environment, flags: settings });
  };
  if (command === 'token') return tokenCommand(load(), words.slice(1));
  if (command === 'health') return { kind: 'health', ...load() };
  return isCheck ? { kind: 'check', ...load(), repair } : { kind: 'serve', ...load(), demon };
}

const usage = (message: string): SettingError => new SettingError(message, 2);

const commands = ['check', 'health', 'token'] as const;

function commandOf([word, ...rest]: readonly string[]): 'serve' | (typeof commands)[number] {
  if (word === undefined) return 'serve';
  const command = commands.find((one) => one === word);
  const surplus = command === 'token' ? undefined : rest[0];
  if (command !== undefined && surplus === undefined) return command;
  const came = JSON.stringify(command === undefined ? word : surplus);
  throw usage(`${came} is no command of forsund; there are check, health, import and token`);
}

function tokenCommand(loaded: Loaded, words: readonly string[]): ForsundCommand {
  if (words.length < 2) {
    throw usage('token takes a name and a role, then keys=PREFIX and actions=ACTION,… if wanted');
  }
  if (loaded.config.access.tokenFile === '') throw usage('token needs to know the --token-file');
  return { kind: 'token', ...loaded, words };
}

function textOf(file: string, readFile: (path: string) => string): string {
  try {
    return readFile(file);
  } catch (error) {
    throw new SettingError(`the conf file cannot be read: ${(error as Error).message}`);
  }
}
