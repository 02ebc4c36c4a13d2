import { type Redis, ReplyError } from 'ioredis';

/** What a Redis says of itself. */
export interface RedisFacts {
  readonly address: string;
  /** Of Redis, or of the one that a Valkey says it is like. */
  readonly version: string;
  /** With its name: `redis 7.2.4`, `valkey 8.0.1`. */
  readonly product: string;
  /** standalone, cluster or sentinel. */
  readonly mode: string;
  /** Whom it copies; undefined: nobody. */
  readonly replicaOf: string | undefined;
  /** Copies that are connected to it. */
  readonly replicas: number;
  /** Below so many copies it takes no changes; undefined: it does not say. */
  readonly minReplicas: number | undefined;
  /** What it drops when its memory is full; undefined: it does not say. */
  readonly evictionPolicy: string | undefined;
  readonly persistence: Persistence;
}

/** What of it a restart leaves. */
export interface Persistence {
  /** everysec, always or no; `on` when it does not say; undefined: it keeps no log of changes. */
  readonly appendOnly: string | undefined;
  /** Seconds and changes after which a snapshot is made; none: an empty text; undefined: it does not say. */
  readonly snapshots: string | undefined;
}

/** Asks a connected Redis; a service that forbids CONFIG leaves gaps, one that forbids INFO rejects. */
export async function readFacts(redis: Redis, address: string): Promise<RedisFacts> {
  const info = infoOf(await redis.info());
  const config = (name: string): Promise<string | undefined> => configOf(redis, name);
  const version = info.get('redis_version') ?? '';
  const isCopy = info.get('role') === 'slave';
  const appendOnly = info.get('aof_enabled') === '1';
  const minReplicas = await config('min-replicas-to-write');
  return {
    address,
    version,
    product: `${info.get('server_name') ?? 'redis'} ${info.get('valkey_version') ?? version}`,
    mode: info.get('redis_mode') ?? 'standalone',
    replicaOf: isCopy ? `${info.get('master_host')}:${info.get('master_port')}` : undefined,
    replicas: Number(info.get('connected_slaves') ?? 0),
    minReplicas: minReplicas === undefined ? undefined : Number(minReplicas),
    evictionPolicy: info.get('maxmemory_policy') ?? (await config('maxmemory-policy')),
    persistence: {
      appendOnly: appendOnly ? ((await config('appendfsync')) ?? 'on') : undefined,
      snapshots: await config('save'),
    },
  };
}

/** As people read it: `aof everysec`, `rdb 3600 1`, `off`. */
export function persistenceText({ appendOnly, snapshots }: Persistence): string {
  const parts = [
    ...(appendOnly === undefined ? [] : [`aof ${appendOnly}`]),
    ...(snapshots === undefined || snapshots === '' ? [] : [`rdb ${snapshots}`]),
  ];
  if (parts.length > 0) return parts.join(', ');
  return snapshots === undefined ? 'unknown' : 'off';
}

const infoOf = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text.split(/\r?\n/).flatMap((line) => {
      const at = line.indexOf(':');
      return at < 1 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
    }),
  );

async function configOf(redis: Redis, name: string): Promise<string | undefined> {
  try {
    const answer: unknown = await redis.config('GET', name);
    return Array.isArray(answer) && typeof answer[1] === 'string' ? answer[1] : undefined;
  } catch (error) {
    if (error instanceof ReplyError) return undefined; // forbidden, or unknown, as managed services have it
    throw error;
  }
}
