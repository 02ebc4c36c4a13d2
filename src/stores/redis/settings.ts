/** The Redis that a store is kept in. Of texts, an empty one is none. */
export interface RedisSettings {
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
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export type RedisServers =
  | { readonly kind: 'one'; readonly address: Address }
  | {
      readonly kind: 'sentinels';
      readonly addresses: readonly Address[];
      /** What the sentinels call the server that is to be found. */
      readonly master: string;
      readonly username: string;
      readonly password: Secret;
    }
  | { readonly kind: 'cluster'; readonly addresses: readonly Address[] };

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

/** As `host:port`. */
export const addressText = ({ host, port }: Address): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/** Where to look for Redis, for people; without secrets. */
export function serversText(servers: RedisServers): string {
  switch (servers.kind) {
    case 'one':
      return addressText(servers.address);
    case 'sentinels':
      return `${servers.master} of ${servers.addresses.map(addressText).join(', ')}`;
    case 'cluster':
      return servers.addresses.map(addressText).join(', ');
    default:
      return servers satisfies never;
  }
}
