import { onTestFinished } from 'vitest';

import { aStore, ForsundProcess } from './forsund-process.ts';
import { RedisServer, type RedisServerOptions } from './redis-server.ts';

export interface NodeOptions {
  /** Of the Redis, or of what stands before it. */
  readonly port: number;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** The shortest there is. */
export const leaseSeconds = 5;

/** What a Redis does not lose when it is killed. */
export const everyWriteOnDisk = ['--appendonly', 'yes', '--appendfsync', 'always'];

/** Stopped with its test. */
export async function aRedis(options?: RedisServerOptions): Promise<RedisServer> {
  const redis = await RedisServer.start(options);
  onTestFinished(() => redis.stop());
  return redis;
}

/** A real forsund that keeps its plans in that Redis, together with all others there. */
export async function aNode({ port, args = [], env = {} }: NodeOptions): Promise<ForsundProcess> {
  const redis = ['--driver', 'redis', '--driver-redis-port', String(port)];
  const lease = ['--driver-redis-lease-seconds', String(leaseSeconds)];
  return ForsundProcess.start({ store: await aStore(), args: [...redis, ...lease, ...args], env });
}

export const nodes = (count: number, options: NodeOptions): Promise<ForsundProcess[]> =>
  Promise.all(Array.from({ length: count }, () => aNode(options)));
