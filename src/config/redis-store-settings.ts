import { redisUrl } from './redis-url.ts';
import { setting } from './setting.ts';
import {
  address,
  listOf,
  orNone,
  redisPrefix,
  serverName,
  text,
  wholeNumber,
  yesOrNo,
} from './values.ts';

/** The Redis that a store is kept in, as it is told; src/config/redis-store.ts says what that comes to. */
export const redisStoreSettings = {
  /** Undefined: there is none. */
  url: setting('STORE_REDIS_URL', {
    flag: 'driver-redis-url',
    value: orNone(redisUrl),
    default: '',
    isSecret: true,
    meaning: 'where Redis is, as redis://user@host:6379/0; rediss:// is TLS',
  }),
  host: setting('STORE_REDIS_HOST', {
    flag: 'driver-redis-host',
    value: serverName,
    default: '127.0.0.1',
    meaning: 'address or name of the Redis server',
  }),
  port: setting('STORE_REDIS_PORT', {
    flag: 'driver-redis-port',
    value: wholeNumber(1, 65_535),
    default: '6379',
    meaning: 'its port',
  }),
  db: setting('STORE_REDIS_DB', {
    flag: 'driver-redis-db',
    value: wholeNumber(0, 65_535),
    default: '0',
    meaning: 'number of the database; a cluster has 0 only',
  }),
  username: setting('STORE_REDIS_USERNAME', {
    flag: 'driver-redis-username',
    value: text,
    default: '',
    meaning: 'user of Redis; empty: its default user',
  }),
  password: setting('STORE_REDIS_PASSWORD', {
    flag: 'driver-redis-password',
    value: text,
    default: '',
    isSecret: true,
    meaning: 'its password; better told by the variable, or by --driver-redis-password-file',
  }),
  passwordFile: setting('STORE_REDIS_PASSWORD_FILE', {
    flag: 'driver-redis-password-file',
    value: text,
    default: '',
    meaning: 'file that holds the password, and nothing else',
  }),
  tls: {
    isOn: setting('STORE_REDIS_TLS', {
      flag: 'driver-redis-tls',
      value: yesOrNo,
      default: 'no',
      bareFlag: 'yes',
      meaning: 'speak TLS with Redis, and with its sentinels',
    }),
    ca: setting('STORE_REDIS_TLS_CA', {
      flag: 'driver-redis-tls-ca',
      value: text,
      default: '',
      meaning: 'certificates of the authorities to trust, in PEM; empty: those of Node',
    }),
    cert: setting('STORE_REDIS_TLS_CERT', {
      flag: 'driver-redis-tls-cert',
      value: text,
      default: '',
      meaning: 'certificate to show to Redis, in PEM',
    }),
    key: setting('STORE_REDIS_TLS_KEY', {
      flag: 'driver-redis-tls-key',
      value: text,
      default: '',
      meaning: 'private key of that certificate, in PEM',
    }),
    name: setting('STORE_REDIS_TLS_NAME', {
      flag: 'driver-redis-tls-name',
      value: text,
      default: '',
      meaning: 'whom the certificate of Redis must name; empty: the host it is reached by',
    }),
  },
  sentinels: setting('STORE_REDIS_SENTINEL', {
    flag: 'driver-redis-sentinel',
    value: listOf(address),
    default: '',
    isList: true,
    meaning: 'sentinels that know the server, as 10.0.0.2:26379; repeatable',
  }),
  master: setting('STORE_REDIS_MASTER', {
    flag: 'driver-redis-master',
    value: text,
    default: 'mymaster',
    meaning: 'what the sentinels call it',
  }),
  sentinelUsername: setting('STORE_REDIS_SENTINEL_USERNAME', {
    flag: 'driver-redis-sentinel-username',
    value: text,
    default: '',
    meaning: 'user of the sentinels; empty: their default user',
  }),
  sentinelPassword: setting('STORE_REDIS_SENTINEL_PASSWORD', {
    flag: 'driver-redis-sentinel-password',
    value: text,
    default: '',
    isSecret: true,
    meaning: 'its password; better told by the variable',
  }),
  sentinelPasswordFile: setting('STORE_REDIS_SENTINEL_PASSWORD_FILE', {
    flag: 'driver-redis-sentinel-password-file',
    value: text,
    default: '',
    meaning: 'file that holds it, and nothing else',
  }),
  cluster: setting('STORE_REDIS_CLUSTER', {
    flag: 'driver-redis-cluster',
    value: listOf(address),
    default: '',
    isList: true,
    meaning: 'nodes of a Redis Cluster, one or more, as 10.0.0.2:6379; repeatable',
  }),
  prefix: setting('STORE_REDIS_PREFIX', {
    flag: 'driver-redis-prefix',
    value: redisPrefix,
    default: 'forsun',
    meaning: 'what the keys of the store begin with',
  }),
  serverId: setting('STORE_REDIS_SERVER_ID', {
    flag: 'driver-redis-server-id',
    value: wholeNumber(0, 4_294_967_295),
    default: '0',
    meaning: 'number behind the prefix; servers with both the same share their plans',
  }),
  /** Undefined: as the store has it; a new one is given 1, or 16 on a cluster. */
  partitions: setting('STORE_REDIS_PARTITIONS', {
    flag: 'driver-redis-partitions',
    value: orNone(wholeNumber(1, 64), 'auto'),
    default: 'auto',
    meaning: 'parts that a new store is cut into, for ever; auto: 1, or 16 on a cluster',
  }),
  leaseSeconds: setting('STORE_REDIS_LEASE_SECONDS', {
    flag: 'driver-redis-lease-seconds',
    value: wholeNumber(5, 300, ' seconds'),
    default: '15',
    meaning: 'seconds without a word from a server after which others take over its firings',
  }),
} as const;
