import { existsSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

import { type ConfEntry, parseConf } from '../config/conf-file.ts';
import { suggestion } from '../config/nearest.ts';
import { UsageError } from './command.ts';

/** Where the server is and what it is shown, by the name each has in the config file. */
const names = [
  'host',
  'port',
  'tls',
  'tls_ca',
  'tls_cert',
  'tls_key',
  'token',
  'token_file',
] as const;
export type Name = (typeof names)[number];

/** host and port are shared with the server's own settings, as forsun had it; the others must not be. */
const variables: Readonly<Record<Name, string>> = {
  host: 'FORSUN_HOST',
  port: 'FORSUN_PORT',
  tls: 'FORSUN_CLIENT_TLS',
  tls_ca: 'FORSUN_CLIENT_TLS_CA',
  tls_cert: 'FORSUN_CLIENT_TLS_CERT',
  tls_key: 'FORSUN_CLIENT_TLS_KEY',
  token: 'FORSUN_TOKEN',
  token_file: 'FORSUN_CLIENT_TOKEN_FILE',
};

export interface Given {
  readonly text: string;
  /** How it was told, for messages. */
  readonly source: string;
  /** What its relative paths are relative to. */
  readonly directory: string;
}

/** What one place tells: the flags, the environment, or the config file. */
export type Source = ReadonlyMap<Name, Given>;

/** A token has no flag: whoever lists processes would read it. */
export const fromFlags = (flagText: (flag: string) => string | undefined): Source =>
  sourceOf((name) => {
    const flag = `--${name.replaceAll('_', '-')}`;
    return name === 'token' ? undefined : [flagText(flag.slice(2)), flag];
  });

/** A FORSUN_PORT that is no number is not meant for us: Kubernetes sets tcp://… for a service called forsun. */
export const fromEnvironment = (env: NodeJS.ProcessEnv): Source =>
  sourceOf((name) => {
    const text = env[variables[name]];
    return name === 'port' && !/^\d+$/.test(text ?? '') ? undefined : [text, variables[name]];
  });

/** ~/.config/forsun/config, if it is there: names and values as forsun.conf has them. */
export function fromFile(env: NodeJS.ProcessEnv): Source {
  const file = configFile(env);
  const text = existsSync(file) ? readText(file) : undefined;
  const entries = text === undefined ? [] : parseConf(text, file);
  const unknown = entries.find(({ section, key }) => section !== 'global' || !isName(key));
  if (unknown !== undefined) throw unknownKey(file, unknown);
  const byKey = new Map(entries.map(({ key, value }) => [key, value]));
  const mode = text === undefined ? 0 : statSync(file).mode;
  if (byKey.has('token') && (mode & 0o077) !== 0) {
    throw new UsageError(`${file}: it holds a token and others may read it; chmod 600 it`);
  }
  return sourceOf((name) => [byKey.get(name), `${name} in ${file}`], dirname(file));
}

function sourceOf(
  tell: (name: Name) => readonly [text: string | undefined, source: string] | undefined,
  directory = '.',
): Source {
  const source = new Map<Name, Given>();
  for (const name of names) {
    const [text = '', told = ''] = tell(name) ?? [];
    if (text !== '') source.set(name, { text, source: told, directory });
  }
  return source;
}

const configFile = (env: NodeJS.ProcessEnv): string =>
  join(env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'forsun', 'config');

const isName = (key: string): key is Name => names.some((name) => name === key);

const unknownKey = (file: string, { section, key, line }: ConfEntry): UsageError =>
  section === 'global'
    ? new UsageError(`${file}:${line}: no setting is called "${key}"${suggestion(key, names)}`)
    : new UsageError(`${file}:${line}: there are no sections here`);

/** What the file says that was given. */
export const readNamed = (given: Given): string => readText(pathOf(given));

/** The same of a file with a secret in it, which must not be others' to read or to change. */
export function readSecret(given: Given): string {
  const path = pathOf(given);
  const text = readText(path);
  const found = statSync(path);
  if (found.isFile() && (found.mode & 0o026) !== 0) {
    throw new UsageError(`${path}: it is a secret and others may read or change it; chmod 600 it`);
  }
  return text;
}

const pathOf = ({ text, directory }: Given): string =>
  text.startsWith('~/') ? join(homedir(), text.slice(2)) : resolve(directory, text);

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new UsageError(`cannot read ${path}: ${reasons[code] ?? message}`);
  }
}

const reasons: Readonly<Partial<Record<string, string>>> = {
  ENOENT: 'no such file',
  EACCES: 'you may not read it',
  EISDIR: 'it is a directory',
};
