import { persistenceText, type RedisFacts } from './redis-facts.ts';
import { RedisRefused } from './refusal.ts';

/** The first that has LPOS. */
const minVersion = [6, 0, 6] as const;

/** Throws RedisRefused when this server is none that a store can be kept in. */
export function refuseUnfit(facts: RedisFacts, isCluster: boolean): void {
  const { address, version, product, mode, replicaOf, evictionPolicy } = facts;
  if (mode === 'sentinel') {
    throw new RedisRefused(
      `${address} is a sentinel, which keeps nothing: name it with --driver-redis-sentinel`,
    );
  }
  if (isOlder(version)) {
    throw new RedisRefused(
      `${address} is ${product}, expected Redis ${minVersion.join('.')} or newer, or Valkey`,
    );
  }
  if (mode === 'cluster' && !isCluster) {
    throw new RedisRefused(
      `${address} is a node of a cluster: name it and others with --driver-redis-cluster`,
    );
  }
  if (replicaOf !== undefined) {
    throw new RedisRefused(
      `${address} is a replica of ${replicaOf} and takes no changes: name that one, or its sentinels with --driver-redis-sentinel`,
    );
  }
  if (evictionPolicy !== undefined && evictionPolicy !== 'noeviction') {
    throw new RedisRefused(
      `${address} drops keys when its memory is full (maxmemory-policy ${evictionPolicy}), plans among them: set maxmemory-policy noeviction there`,
    );
  }
}

function isOlder(version: string): boolean {
  const parts = version.split('.').map(Number);
  for (const [index, least] of minVersion.entries()) {
    const part = parts[index] ?? 0;
    if (part !== least) return !(part > least);
  }
  return false;
}

/** What an operator should know before plans are lost; empty: nothing. */
export function warningsOf({ persistence, evictionPolicy }: RedisFacts): readonly string[] {
  const { appendOnly, snapshots } = persistence;
  const isOnDisk = appendOnly !== undefined;
  return [
    ...(!isOnDisk && snapshots === ''
      ? ['nothing is on disk: when Redis restarts, all plans are lost; set appendonly yes there']
      : []),
    ...(!isOnDisk && snapshots !== undefined && snapshots !== ''
      ? [
          'only snapshots are on disk: when Redis dies, what came after the newest is lost; set appendonly yes there',
        ]
      : []),
    ...(!isOnDisk && snapshots === undefined
      ? ['it does not say whether plans are on disk: appendonly should be yes there']
      : []),
    ...(evictionPolicy === undefined
      ? [
          'it does not say what it drops when its memory is full: maxmemory-policy must be noeviction',
        ]
      : []),
  ];
}

/** What there is to be told of one server, or of all nodes of a cluster, in one line. */
export function factsTold(all: readonly RedisFacts[]) {
  const each = (tell: (facts: RedisFacts) => string): string =>
    [...new Set(all.map(tell))].join(' / ');
  return {
    version: each(({ product }) => product),
    persistence: each(({ persistence }) => persistenceText(persistence)),
    policy: each(({ evictionPolicy }) => evictionPolicy ?? 'unknown'),
    replicas: each(({ replicas }) => String(replicas)),
    minReplicas: each(({ minReplicas }) =>
      minReplicas === undefined ? 'unknown' : String(minReplicas),
    ),
  };
}
