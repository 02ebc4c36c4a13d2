import { onTestFinished } from 'vitest';

import { systemClock } from '../../../src/runtime/system-clock.ts';
import { openRedisConnection, type RedisConnection } from '../../../src/stores/redis/connection.ts';
import type { RedisSettings } from '../../../src/stores/redis/settings.ts';
import { RecordedLog } from '../../support/recorded-log.ts';
import { RedisServer, type RedisServerOptions } from '../../support/redis-server.ts';

/** A redis-server that is gone with its test. */
export async function aRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const server = await RedisServer.start(options);
  onTestFinished(() => server.stop());
  return server;
}

export const at = (port: number) => ({ host: '127.0.0.1', port });

const byDefault: RedisSettings = {
  servers: { kind: 'one', address: at(6379) },
  db: 0,
  username: '',
  password: { text: '', file: '' },
  tls: undefined,
  prefix: 'forsun',
  serverId: 0,
  partitions: undefined,
};

export const settingsFor = (
  { port }: Pick<RedisServer, 'port'>,
  others: Partial<RedisSettings> = {},
): RedisSettings => ({
  ...byDefault,
  servers: { kind: 'one', address: at(port) },
  ...others,
});

export interface Opened extends RedisConnection {
  readonly log: RecordedLog;
}

/** Connected, and closed with its test. */
export async function opened(settings: RedisSettings): Promise<Opened> {
  const log = new RecordedLog();
  const connection = await openRedisConnection(settings, { log, clock: systemClock });
  onTestFinished(() => connection.close());
  return { ...connection, log };
}

/** The message with which it is refused. */
export async function refusal(settings: RedisSettings): Promise<string> {
  const log = new RecordedLog();
  try {
    const connection = await openRedisConnection(settings, { log, clock: systemClock });
    await connection.close();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('it is not refused');
}
