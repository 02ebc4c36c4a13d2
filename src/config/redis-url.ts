import { isIP } from 'node:net';

import { isHost, readBy, type ValueOf } from './values.ts';

/** What a URL says of a Redis; what it leaves open is undefined. */
export interface RedisUrl {
  readonly isTls: boolean;
  readonly host: string;
  readonly port: number | undefined;
  readonly db: number | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/** `redis://[user[:password]@]host[:port][/db]`, or `rediss://` for TLS. */
export const redisUrl: ValueOf<RedisUrl> = readBy(
  redisUrlOf,
  'redis://user:password@host:port/db or rediss://…, of which only the host must be there; @ : / and % in user and password as %40 %3A %2F %25',
);

function redisUrlOf(came: string): RedisUrl | undefined {
  if (!/^rediss?:\/\/[^\s\\?#]+$/i.test(came) || !URL.canParse(came)) return undefined;
  const { protocol, hostname, port, pathname, username, password } = new URL(came);
  const host = hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  const [, db] = /^\/(\d{1,5})$/.exec(pathname) ?? [];
  const user = decoded(username);
  const secret = decoded(password);
  const isPathKnown = db !== undefined || pathname === '' || pathname === '/';
  if (!isHost(host) && isIP(host) === 0) return undefined;
  if (!isPathKnown || user === undefined || secret === undefined || port === '0') return undefined;
  return {
    isTls: protocol === 'rediss:',
    host,
    port: port === '' ? undefined : Number(port),
    db: db === undefined ? undefined : Number(db),
    username: user === '' ? undefined : user,
    password: secret === '' ? undefined : secret,
  };
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
