import type { Socket } from 'node:net';

import type { authPlugins as mysql2Logins, AuthPlugin } from 'mysql2';

import { KeyRefused } from './mysql-errors.ts';

/** Take the key from the server that one has come to; auto: if there is no network between. */
export type ServerKey = 'auto' | 'yes' | 'no';

/** On which servers' word one of their keys is taken. */
export function takesKeyOf(
  { remoteAddress = '' }: Pick<Socket, 'remoteAddress'>,
  serverKey: ServerKey,
): boolean {
  const isLoopback = /^(127\.|::1$|::ffff:127\.)/.test(remoteAddress);
  return serverKey === 'auto' ? isLoopback : serverKey === 'yes';
}

/**
 * The logins of mysql2 that ask the server for a key and send the password by it: whoever stands in for the
 * server gives a key of his own, and reads the password. Here they end with KeyRefused instead.
 */
export const withoutKeys = (logins: typeof mysql2Logins): Readonly<Record<string, AuthPlugin>> => ({
  caching_sha2_password: logins.caching_sha2_password({ onServerPublicKey: refuse }),
  sha256_password: logins.sha256_password({ onServerPublicKey: refuse }),
});

function refuse(): never {
  throw new KeyRefused();
}
