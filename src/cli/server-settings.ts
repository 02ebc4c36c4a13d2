import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

import type { ForsunClientOptions } from '../client/forsun-client.ts';
import { yesOrNoOf } from '../config/yes-or-no.ts';
import { unixPath } from '../core/unix-path.ts';
import { UsageError } from './command.ts';
import {
  fromEnvironment,
  fromFile,
  fromFlags,
  type Given,
  readText,
  type Source,
} from './settings-sources.ts';

/**
 * How to reach the server, by flags, else the environment, else the config file. Throws UsageError, or
 * SettingError, for what cannot be used.
 */
export function serverSettings(
  flagText: (flag: string) => string | undefined,
  env: NodeJS.ProcessEnv,
): ForsunClientOptions {
  const file = fromFile(env);
  const sources = [fromFlags(flagText), fromEnvironment(env), file];
  const given = new Map(sources.toReversed().flatMap((source) => [...source]));
  const host = hostOf(given);
  const path = unixPath(host);
  // The file's token is for the file's server: another host that a flag names must not get to see it.
  const token = tokenOf(host === hostOf(file) ? sources : sources.filter((one) => one !== file));
  return {
    ...(path === undefined ? { host, port: portOf(given.get('port')) } : { path }),
    ...tlsOf(given),
    ...(token === undefined ? {} : { token }),
  };
}

const hostOf = (given: Source): string => given.get('host')?.text ?? '127.0.0.1';

function portOf(given: Given | undefined): number {
  const text = given?.text ?? '6458';
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new UsageError(`a port is a number from 1 to 65535, not "${text}"`);
}

/** Naming a file for TLS asks for TLS. */
function tlsOf(given: Source): Pick<ForsunClientOptions, 'tls'> {
  const [wanted, ca, cert, key] = [
    given.get('tls'),
    given.get('tls_ca'),
    given.get('tls_cert'),
    given.get('tls_key'),
  ];
  const answer = wanted === undefined ? undefined : yesOrNoOf(wanted.text);
  if (wanted !== undefined && answer === undefined) {
    throw new UsageError(
      `${wanted.source}: ${JSON.stringify(wanted.text)} came, expected yes or no`,
    );
  }
  if (answer === 'no' || [answer, ca, cert, key].every((one) => one === undefined)) return {};
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError('the certificate (--tls-cert) and its key (--tls-key) go together');
  }
  return {
    tls: {
      ...(ca === undefined ? {} : { ca: named(ca) }),
      ...(cert === undefined ? {} : { cert: named(cert) }),
      ...(key === undefined ? {} : { key: named(key) }),
    },
  };
}

/** That of the first source that has one, itself or as a file. */
function tokenOf(sources: readonly Source[]): string | undefined {
  const source = sources.find((one) => one.has('token') || one.has('token_file'));
  const given = source?.get('token');
  const file = source?.get('token_file');
  const token = given?.text ?? (file && named(file).trim());
  if (token !== undefined && !/^[!-~]{1,100}$/.test(token)) {
    const told = (given ?? file)?.source ?? '';
    throw new UsageError(`${told}: a token is 1 to 100 visible characters of ASCII`);
  }
  return token;
}

/** What the file says that was given. */
function named({ text, directory }: Given): string {
  return readText(
    text.startsWith('~/') ? join(homedir(), text.slice(2)) : resolve(directory, text),
  );
}
