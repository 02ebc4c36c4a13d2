import { setting } from './setting.ts';
import { byteSize, hostPort, listOf, origin, hostName, seconds, wholeNumber } from './values.ts';

const day = 86_400;
const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

/** The HTTP bridge: where it listens, for whom, and what it spends on its clients. */
export const httpSettings = {
  /** Undefined: there is none. */
  bind: setting('HTTP_BIND', {
    flag: 'http',
    value: hostPort,
    default: '',
    meaning:
      'address and port of the HTTP bridge, as 127.0.0.1:9002, or unix:/path; none: no bridge',
  }),
  hosts: setting('HTTP_HOST', {
    value: listOf(hostName),
    default: '',
    isList: true,
    meaning: 'names with dots by which the bridge may be called; repeatable',
  }),
  origins: setting('HTTP_ORIGIN', {
    value: listOf(origin),
    default: '',
    isList: true,
    meaning: 'origins of web pages that may use the bridge, as https://ops.example.com; repeatable',
  }),
  readyMaxLagSeconds: setting('READY_MAX_LAG', {
    value: seconds(0.1, day),
    default: '10',
    meaning: 'seconds by which the server may be late before /readyz says that it is not ready',
  }),
  maxConnections: setting('HTTP_MAX_CONNECTIONS', {
    value: wholeNumber(1, 1_000_000),
    default: '10000',
    meaning: 'open connections; beyond it the longest idle one is closed',
  }),
  maxConnectionsPerPeer: setting('HTTP_MAX_CONNECTIONS_PER_PEER', {
    value: wholeNumber(1, 1_000_000),
    default: '1000',
    meaning: 'open connections from one address',
  }),
  maxHeaderBytes: setting('HTTP_MAX_HEADER_BYTES', {
    value: byteSize(1024, MiB),
    default: '16K',
    meaning: 'size of the request line and headers of one request',
  }),
  maxBodyBytes: setting('HTTP_MAX_BODY_BYTES', {
    value: byteSize(1024, 256 * MiB),
    default: '4M',
    meaning: 'size of the body of one request',
  }),
  maxReplyBytes: setting('HTTP_MAX_REPLY_BYTES', {
    value: byteSize(64 * 1024, 256 * MiB),
    default: '16M',
    meaning: 'size of one reply; a larger one becomes an error that says to narrow the prefix',
  }),
  /** Over all connections. */
  maxHeldBytes: setting('HTTP_MAX_HELD_BYTES', {
    value: byteSize(MiB, 64 * GiB),
    default: '256M',
    meaning: 'memory for bodies and unread replies of all connections',
  }),
  headerTimeoutSeconds: setting('HTTP_HEADER_TIMEOUT', {
    value: seconds(0.1, day),
    default: '10',
    meaning: 'time for the headers of a request to arrive whole, once it has begun',
  }),
  requestTimeoutSeconds: setting('HTTP_REQUEST_TIMEOUT', {
    value: seconds(0.1, day),
    default: '12',
    meaning: 'time for a request to arrive whole, once it has begun',
  }),
  idleTimeoutSeconds: setting('HTTP_IDLE_TIMEOUT', {
    value: seconds(0.1, day),
    default: '60',
    meaning: 'time after which a connection without a request is closed',
  }),
  writeTimeoutSeconds: setting('HTTP_WRITE_TIMEOUT', {
    value: seconds(0.1, day),
    default: '30',
    meaning: 'time after which a client that does not read its reply is cut off',
  }),
} as const;
