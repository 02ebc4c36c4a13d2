import { setting } from './setting.ts';
import { byteSize, host, seconds, wholeNumber } from './values.ts';

const day = 86_400;
const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

/** The Thrift door: where it listens, and what it spends on its clients. */
export const thriftSettings = {
  bind: setting('BIND_ADDRESS', {
    flag: 'bind',
    value: host,
    default: '127.0.0.1',
    meaning:
      'address to listen on, or unix:/path; peers beyond loopback also need --trust-network or a token',
  }),
  port: setting('PORT', {
    value: wholeNumber(0, 65_535),
    default: '6458',
    meaning: 'port of the Thrift service; 0 takes any free one',
  }),
  maxConnections: setting('THRIFT_MAX_CONNECTIONS', {
    value: wholeNumber(1, 1_000_000),
    default: '10000',
    meaning: 'open connections; beyond it the longest idle one is closed',
  }),
  maxConnectionsPerPeer: setting('THRIFT_MAX_CONNECTIONS_PER_PEER', {
    value: wholeNumber(1, 1_000_000),
    default: '1000',
    meaning: 'open connections from one address',
  }),
  maxInFlight: setting('THRIFT_MAX_IN_FLIGHT', {
    value: wholeNumber(1, 65_536),
    default: '128',
    meaning: 'calls of one connection under way at once; further ones are read later',
  }),
  maxMessageBytes: setting('THRIFT_MAX_MESSAGE_BYTES', {
    value: byteSize(1024, 256 * MiB),
    default: '4M',
    meaning: 'size of one call; a larger one closes its connection',
  }),
  maxStringBytes: setting('THRIFT_MAX_STRING_BYTES', {
    value: byteSize(1024, 256 * MiB),
    default: '1M',
    meaning: 'size of one string in a call',
  }),
  maxContainerSize: setting('THRIFT_MAX_CONTAINER_SIZE', {
    value: wholeNumber(16, 1_000_000),
    default: '4096',
    meaning: 'entries of one map, set or list in a call',
  }),
  maxDepth: setting('THRIFT_MAX_DEPTH', {
    value: wholeNumber(2, 64),
    default: '8',
    meaning: 'structs and containers within each other in a call',
  }),
  /** Over all connections. */
  maxHeldBytes: setting('THRIFT_MAX_HELD_BYTES', {
    value: byteSize(MiB, 64 * GiB),
    default: '256M',
    meaning: 'memory for unfinished calls and unread replies of all connections',
  }),
  maxReplyBytes: setting('THRIFT_MAX_REPLY_BYTES', {
    value: byteSize(64 * 1024, 256 * MiB),
    default: '16M',
    meaning: 'size of one reply; a larger one becomes an error that says to narrow the prefix',
  }),
  messageTimeoutSeconds: setting('THRIFT_MESSAGE_TIMEOUT', {
    value: seconds(0.1, day),
    default: '10',
    meaning: 'time for a call to arrive whole, once it has begun',
  }),
  writeTimeoutSeconds: setting('THRIFT_WRITE_TIMEOUT', {
    value: seconds(0.1, day),
    default: '30',
    meaning: 'time after which a client that does not read its replies is cut off',
  }),
} as const;
