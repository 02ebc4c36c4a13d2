import type { redisStoreSettings } from './redis-store-settings.ts';
import type { ConfigOf } from './setting.ts';
import type { HostPort } from './values.ts';

/** What was told, one by one. */
export type RedisStoreSettings = ConfigOf<typeof redisStoreSettings>;

/** The Redis that a store is kept in, as the store's own settings say; of texts, an empty one is none. */
export type RedisStoreConfig = ReturnType<typeof redisStoreOf>;

/** What the settings of a Redis come to together; a URL fills in what it says. `path` resolves one. */
export function redisStoreOf(
  { url, ...settings }: RedisStoreSettings,
  path: (path: string) => string,
) {
  const { host, port, db, username, password, tls } = settings;
  const { ca, cert, key, name } = tls;
  const address = { host: url?.host ?? host, port: url?.port ?? port };
  const files = { ca: path(ca), cert: path(cert), key: path(key), name };
  return {
    servers: serversOf(settings, address, path),
    db: url?.db ?? db,
    username: url?.username ?? username,
    password: { text: url?.password ?? password, file: path(settings.passwordFile) },
    tls: tls.isOn || url?.isTls === true ? files : undefined,
    prefix: settings.prefix,
    serverId: settings.serverId,
    partitions: settings.partitions,
    leaseSeconds: settings.leaseSeconds,
  };
}

function serversOf(
  settings: Omit<RedisStoreSettings, 'url'>,
  address: HostPort,
  path: (path: string) => string,
) {
  const { sentinels, cluster, master } = settings;
  if (cluster.length > 0) return { kind: 'cluster', addresses: cluster } as const;
  if (sentinels.length === 0) return { kind: 'one', address } as const;
  const { sentinelUsername: username, sentinelPassword: text, sentinelPasswordFile } = settings;
  const password = { text, file: path(sentinelPasswordFile) };
  return { kind: 'sentinels', addresses: sentinels, master, username, password } as const;
}
