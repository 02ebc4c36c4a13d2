import type { redisStoreSettings } from './redis-store-settings.ts';
import type { ConfigOf } from './setting.ts';
import type { HostPort } from './values.ts';

/** The Redis that a store is kept in. Of texts, an empty one is none. */
export interface RedisStoreConfig {
  readonly servers: RedisServers;
  readonly db: number;
  readonly username: string;
  readonly password: Secret;
  /** Undefined: no TLS. */
  readonly tls: RedisTls | undefined;
  readonly prefix: string;
  readonly serverId: number;
  /** Undefined: as the store has it, or as is usual for a new one. */
  readonly partitions: number | undefined;
  readonly leaseSeconds: number;
}

export type RedisServers =
  | { readonly kind: 'one'; readonly address: HostPort }
  | {
      readonly kind: 'sentinels';
      readonly addresses: readonly HostPort[];
      /** What the sentinels call the server that is to be found. */
      readonly master: string;
      readonly username: string;
      readonly password: Secret;
    }
  | { readonly kind: 'cluster'; readonly addresses: readonly HostPort[] };

/** As it is, or in a file. */
export interface Secret {
  readonly text: string;
  readonly file: string;
}

/** Paths, and whom the certificate of the server must name. */
export interface RedisTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly name: string;
}

/** What was told, one by one. */
export type RedisStoreSettings = ConfigOf<typeof redisStoreSettings>;

/** What the settings of a Redis come to together; a URL fills in what it says. `path` resolves one. */
export function redisStoreOf(
  { url, ...settings }: RedisStoreSettings,
  path: (path: string) => string,
): RedisStoreConfig {
  const { host, port, db, username, password, tls } = settings;
  const { ca, cert, key, name } = tls;
  const address = { host: url?.host ?? host, port: url?.port ?? port };
  return {
    servers: serversOf(settings, address, path),
    db: url?.db ?? db,
    username: url?.username ?? username,
    password: { text: url?.password ?? password, file: path(settings.passwordFile) },
    tls:
      tls.isOn || url?.isTls === true
        ? { ca: path(ca), cert: path(cert), key: path(key), name }
        : undefined,
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
): RedisServers {
  const { sentinels, cluster, master } = settings;
  if (cluster.length > 0) return { kind: 'cluster', addresses: cluster };
  if (sentinels.length === 0) return { kind: 'one', address };
  const { sentinelUsername: username, sentinelPassword: text, sentinelPasswordFile } = settings;
  const password = { text, file: path(sentinelPasswordFile) };
  return { kind: 'sentinels', addresses: sentinels, master, username, password };
}
