import type { Given } from './environment.ts';
import type { RedisStoreSettings } from './redis-store.ts';
import type { RedisUrl } from './redis-url.ts';
import { exitCodeOf, SettingError } from './setting-error.ts';

/** Settings that ask for something: those that were given, and not as they are anyway; by name. */
export type Asked = ReadonlyMap<string, Given>;

/** Throws SettingError when what is asked of the Redis store cannot all be had; names both sides. */
export function refuseConflicts(settings: RedisStoreSettings, asked: Asked): void {
  const { url, tls } = settings;
  for (const [one, other] of exclusive) refuseBoth(asked, one, other);
  if (url !== undefined) refuseContradictions(url, settings, asked);
  for (const [one, other] of dependent) {
    if (other !== 'TLS' || (!tls.isOn && url?.isTls !== true)) refuseAlone(asked, one, other);
  }
}

/** Names without what they all begin with. */
type Pairs = readonly (readonly [one: string, other: string])[];

const exclusive: Pairs = [
  ['URL', 'SENTINEL'],
  ['URL', 'CLUSTER'],
  ['HOST', 'SENTINEL'],
  ['HOST', 'CLUSTER'],
  ['PORT', 'SENTINEL'],
  ['PORT', 'CLUSTER'],
  ['DB', 'CLUSTER'],
  ['SENTINEL', 'CLUSTER'],
  ['PASSWORD', 'PASSWORD_FILE'],
  ['SENTINEL_PASSWORD', 'SENTINEL_PASSWORD_FILE'],
];

/** The first means nothing without the second. */
const dependent: Pairs = [
  ['TLS_CA', 'TLS'],
  ['TLS_CERT', 'TLS'],
  ['TLS_KEY', 'TLS'],
  ['TLS_NAME', 'TLS'],
  ['TLS_CERT', 'TLS_KEY'],
  ['TLS_KEY', 'TLS_CERT'],
  ['MASTER', 'SENTINEL'],
  ['SENTINEL_USERNAME', 'SENTINEL'],
  ['SENTINEL_PASSWORD', 'SENTINEL'],
  ['SENTINEL_PASSWORD_FILE', 'SENTINEL'],
];

/** What a URL says, a setting may say too, but nothing else. */
function refuseContradictions(
  url: RedisUrl,
  { host, port, db, username, password, tls }: RedisStoreSettings,
  asked: Asked,
): void {
  const both: readonly (readonly [name: string, ofUrl: unknown, ofSetting: unknown])[] = [
    ['HOST', url.host, host.toLowerCase()],
    ['PORT', url.port, port],
    ['DB', url.db, db],
    ['USERNAME', url.username, username],
    ['PASSWORD', url.password, password],
    ['TLS', url.isTls, tls.isOn],
  ];
  for (const [name, ofUrl, ofSetting] of both) {
    if (ofUrl !== undefined && ofUrl !== ofSetting) refuseBoth(asked, 'URL', name);
  }
  if (url.password !== undefined) refuseBoth(asked, 'URL', 'PASSWORD_FILE');
}

function refuseBoth(asked: Asked, one: string, other: string): void {
  const first = asked.get(`STORE_REDIS_${one}`);
  const second = asked.get(`STORE_REDIS_${other}`);
  if (first === undefined || second === undefined) return;
  throw new SettingError(
    `${first.source} and ${second.source} exclude each other`,
    Math.max(exitCodeOf(first.source), exitCodeOf(second.source)) === 2 ? 2 : 1,
  );
}

function refuseAlone(asked: Asked, one: string, other: string): void {
  const alone = asked.get(`STORE_REDIS_${one}`);
  if (alone === undefined || asked.has(`STORE_REDIS_${other}`)) return;
  const flag = `--driver-redis-${other.toLowerCase().replaceAll('_', '-')}`;
  throw new SettingError(`${alone.source} needs ${flag}`, exitCodeOf(alone.source));
}
