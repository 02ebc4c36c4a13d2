import { readFile } from 'node:fs/promises';
import type { ConnectionOptions } from 'node:tls';

import type { RedisSettings, RedisTls, Secret } from './settings.ts';

/** What Redis lets us in by, as it is now. */
export interface Credentials {
  readonly password: string;
  readonly sentinelPassword: string;
  readonly tls: ConnectionOptions | undefined;
}

/** Reads the files that hold them; rejects with an Error that names the file. */
export async function readCredentials({
  servers,
  password,
  tls,
}: RedisSettings): Promise<Credentials> {
  return {
    password: await textOf(password),
    sentinelPassword: servers.kind === 'sentinels' ? await textOf(servers.password) : '',
    tls: tls === undefined ? undefined : await tlsOptions(tls),
  };
}

/** Editors end a file with a line end, which is part of no password. */
const textOf = async ({ text, file }: Secret): Promise<string> =>
  file === '' ? text : (await readFile(file, 'utf8')).replace(/[\r\n]+$/, '');

async function tlsOptions({ ca, cert, key, name }: RedisTls): Promise<ConnectionOptions> {
  return {
    ...(ca === '' ? {} : { ca: await readFile(ca) }),
    ...(cert === '' ? {} : { cert: await readFile(cert), key: await readFile(key) }),
    ...(name === '' ? {} : { servername: name }),
  };
}
