import type { Redis } from 'ioredis';

import { RedisRefused } from './refusal.ts';
import type { RedisSettings } from './settings.ts';

/** Looked at in one step, and steps: a million keys of whoever shares the database. */
const keysAStep = 1_000;
const steps = 1_000;

/**
 * Refuses to begin a store where the original forsun has its own: its plans would seem to be lost. It keeps
 *
 *   <prefix>:<server id>:current:time       the second it was at; always, unless all its servers were agents
 *   <prefix>:<server id>:plan:<key>         and
 *   <prefix>:<server id>:time:<second>      its plans and their due times
 */
export async function refuseOriginal(redis: Redis, settings: RedisSettings): Promise<void> {
  const base = `${settings.prefix}:${settings.serverId}`;
  const isTimer = (await redis.exists(`${base}:current:time`)) === 1;
  if (!isTimer && !(await hasPlans(redis, base))) return;
  throw new RedisRefused(
    `the original forsun keeps its plans at ${base}, and they are not in this store: ` +
      'name another --driver-redis-prefix or --driver-redis-server-id, and when the server runs, ' +
      'bring them over with `forsun import --from-forsun-redis`',
  );
}

async function hasPlans(redis: Redis, base: string): Promise<boolean> {
  const pattern = `${base}:plan:`.replace(/[*?[\]\\^-]/g, '\\$&') + '*';
  let cursor = '0';
  for (let step = 0; step < steps; step += 1) {
    const [next, keys] = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', keysAStep);
    if (keys.length > 0) return true;
    if (next === '0') return false;
    cursor = next;
  }
  return false;
}
