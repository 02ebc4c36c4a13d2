import type { Redis, RedisOptions } from 'ioredis';

import type { RedisClient } from './client.ts';
import { type Credentials, readCredentials } from './credentials.ts';
import type { RedisSettings } from './settings.ts';

/** Has connections that are made anew use what the files hold then: passwords and certificates are changed. */
export function keepCredentialsFresh(client: RedisClient, settings: RedisSettings): void {
  let newest: Credentials | undefined;
  const apply = (options: RedisOptions): void => {
    if (newest === undefined) return;
    const { password, sentinelPassword, tls } = newest;
    Object.assign(options, { password: password || undefined });
    if (tls !== undefined) Object.assign(options, { tls });
    if (settings.servers.kind !== 'sentinels') return;
    Object.assign(options, { sentinelPassword: sentinelPassword || undefined, sentinelTLS: tls });
  };
  const read = async (): Promise<void> => {
    newest = await readCredentials(settings);
    if (!client.isCluster) apply((client as Redis).options);
  };
  // One that cannot be read: what was read before may do.
  client.on(client.isCluster ? '-node' : 'close', () => void read().catch(() => undefined));
  client.on('+node', ({ options }: Redis) => apply(options));
}
