import { readFileSync } from 'node:fs';

import { Connection } from '../client/connection.ts';
import { addressOf, type Destination } from '../client/dial.ts';
import { ForsunConnectionError } from '../client/errors.ts';
import type { Config } from '../config/schema.ts';
import { SettingError } from '../config/setting-error.ts';
import { unixPath } from '../core/unix-path.ts';
import { systemClock } from '../runtime/system-clock.ts';

/** Less than what a container engine waits for its check. */
const timeoutMs = 3_000;

/**
 * Asks the server of these settings whether it answers, and resolves to where it does. Whatever it answers will
 * do: no token is brought, and no certificate is judged. Rejects with the reason when no answer comes.
 */
export async function askHealth(config: Config): Promise<string> {
  const destination = destinationOf(config);
  const connection = new Connection({
    ...destination,
    token: undefined,
    connectTimeoutMs: timeoutMs,
    timeoutMs,
    maxReplyBytes: 1024 ** 2,
    clock: systemClock,
  });
  try {
    await connection.call((client) => client.ping());
  } catch (error) {
    if (error instanceof ForsunConnectionError && !hasShakenHands(error, config)) throw error;
  } finally {
    connection.destroy();
  }
  return addressOf(destination);
}

/**
 * A server that asks for client certificates closes on those of other authorities, and ours may be such; but
 * who has shaken hands has answered.
 */
const hasShakenHands = ({ trouble }: ForsunConnectionError, { access }: Config): boolean =>
  access.tls.ca !== '' && trouble === 'lost';

function destinationOf({ thrift, access }: Config): Destination {
  const { bind, port } = thrift;
  const path = unixPath(bind);
  if (path === undefined && port === 0) {
    throw new SettingError('health needs to know the --port, 0 came', 2);
  }
  const { cert, key, ca } = access.tls;
  const shown = ca === '' ? {} : { cert: readFileSync(cert), key: readFileSync(key) };
  const tls = { rejectUnauthorized: false, ...shown };
  const hasTls = cert !== '' && path === undefined;
  return { host: loopbackOf[bind] ?? bind, port, path, tls: hasTls ? tls : undefined };
}

/** How to reach a server on this machine that listens on all of its addresses. */
const loopbackOf: Readonly<Partial<Record<string, string>>> = {
  '0.0.0.0': '127.0.0.1',
  '::': '::1',
};
