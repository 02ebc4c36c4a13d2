import type { ForsunClientOptions } from '../client/forsun-client.ts';
import { unixPath } from '../core/unix-path.ts';
import { clientTls } from './client-tls.ts';
import { UsageError } from './command.ts';
import {
  fromEnvironment,
  fromFile,
  fromFlags,
  type Given,
  readSecret,
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
  const tls = clientTls(given);
  // The file's token is for the file's server: another host that a flag names must not get to see it.
  const token = tokenOf(host === hostOf(file) ? sources : sources.filter((one) => one !== file));
  return {
    ...(path === undefined ? { host, port: portOf(given.get('port')) } : { path }),
    ...(tls === undefined ? {} : { tls }),
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

/** That of the first source that has one, itself or as a file. */
function tokenOf(sources: readonly Source[]): string | undefined {
  const source = sources.find((one) => one.has('token') || one.has('token_file'));
  const given = source?.get('token');
  const file = source?.get('token_file');
  const token = given?.text ?? (file && readSecret(file).trim());
  if (token !== undefined && !/^[!-~]{1,100}$/.test(token)) {
    const told = (given ?? file)?.source ?? '';
    throw new UsageError(
      `${told}: a token was expected, 1 to 100 visible characters of ASCII, as forsund token prints it`,
    );
  }
  return token;
}
