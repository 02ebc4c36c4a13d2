import { RedisRefused } from './refusal.ts';
import { type RedisSettings, serversText } from './settings.ts';

/** Why a Redis cannot be used that does not answer, or answers no: with its address, and what to look at. */
export function unreachable(settings: RedisSettings, error: Error): RedisRefused {
  // The error itself is no cause of ours: it holds the command that was refused, with a password in it.
  return new RedisRefused(`Redis at ${serversText(settings.servers)} ${whyOf(settings, error)}`);
}

/** One that has started and is not done with reading what it had on disk. */
export const loading = (settings: RedisSettings): RedisRefused =>
  new RedisRefused(
    `Redis at ${serversText(settings.servers)} is still loading what it has on disk: start again in a while`,
  );

function whyOf({ servers, tls, db }: RedisSettings, error: Error): string {
  const { message } = error;
  const code = 'code' in error ? String(error.code) : '';
  const isClosed = message === 'Connection is closed.' || /^(ECONNRESET|EPIPE)$/.test(code);
  const isDown = message.startsWith('CLUSTERDOWN');
  if (message.startsWith('All sentinels are unreachable')) return whyOfSentinels(message);
  if (message.includes('cluster support disabled')) {
    return 'is no cluster: name it with --driver-redis-host';
  }
  if (isDown || (servers.kind === 'cluster' && isClosed)) {
    return 'is a cluster that does not serve: has each slot a node?';
  }
  if (isRefusal.test(message)) {
    return `does not let forsun in: ${message}; see --driver-redis-username and --driver-redis-password`;
  }
  if (message.includes('DB index is out of range')) {
    return `has no database ${db}: see --driver-redis-db`;
  }
  if (error.name === 'ReplyError') return `refuses: ${message}`;
  if (message.startsWith('Unknown RESP type')) {
    return 'does not speak as Redis does: is that its address?';
  }
  if (/^(CERT|UNABLE|SELF_SIGNED|DEPTH_ZERO|ERR_TLS|ERR_SSL|ERR_OSSL|EPROTO)/.test(code)) {
    // OpenSSL's own messages are for those who build it.
    const reason = 'reason' in error ? String(error.reason) : message;
    return `does not get through TLS: ${reason}; see --driver-redis-tls-ca, --driver-redis-tls-name and --driver-redis-tls-cert`;
  }
  if (isClosed) {
    return tls === undefined
      ? 'closes the connection: if it speaks TLS, add --driver-redis-tls; if it is in protected mode, give it a password'
      : 'closes the connection: does it speak TLS?';
  }
  return `cannot be reached: ${message}; is it running, and is that its address?`;
}

const isRefusal = /^(NOAUTH|WRONGPASS|NOPERM)\b|\bAUTH\b|user executing the script can't run/;

/** ioredis tells of the sentinel that it tried last. */
function whyOfSentinels(message: string): string {
  const [, last] = /Last error: (.*)$/s.exec(message) ?? [];
  if (last === undefined || last.includes('No such master'))
    return 'is known to none of them: see --driver-redis-master';
  if (isRefusal.test(last)) {
    return `is not told of: ${last}; see --driver-redis-sentinel-username and --driver-redis-sentinel-password`;
  }
  return `is not told of: no sentinel can be reached (${last}); are they running, and are those their addresses?`;
}
