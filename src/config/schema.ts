import { type Setting, setting } from './setting.ts';
import {
  byteSize,
  factor,
  host,
  listOf,
  network,
  oneOf,
  rotation,
  seconds,
  text,
  timeZone,
  wholeNumber,
} from './values.ts';

const day = 86_400;
const year = 365 * day;
const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

/** Every setting, its default and its limits, grouped as the server reads them. */
export const settings = {
  thrift: {
    bind: setting('BIND_ADDRESS', {
      flag: 'bind',
      value: host,
      default: '127.0.0.1',
      meaning: 'address to listen on; peers beyond loopback also need --trust-network',
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
  },
  /** Networks, as `address/prefix`, whose peers are served although they are not this machine. */
  trustNetworks: setting('TRUST_NETWORK', {
    value: listOf(network),
    default: '',
    isList: true,
    meaning: 'networks served besides this machine, as 10.0.0.0/8; repeatable',
  }),
  plans: {
    maxKeyBytes: setting('PLAN_MAX_KEY_BYTES', {
      value: byteSize(16, 65_535),
      default: '512',
      meaning: 'length of a key',
    }),
    maxParams: setting('PLAN_MAX_PARAMS', {
      value: wholeNumber(1, 65_536),
      default: '256',
      meaning: 'params of one plan',
    }),
    maxParamNameBytes: setting('PLAN_MAX_PARAM_NAME_BYTES', {
      value: byteSize(1, MiB),
      default: '128',
      meaning: 'length of a param name',
    }),
    maxParamValueBytes: setting('PLAN_MAX_PARAM_VALUE_BYTES', {
      value: byteSize(1, 256 * MiB),
      default: '256K',
      meaning: 'length of a param value',
    }),
    maxParamsBytes: setting('PLAN_MAX_PARAMS_BYTES', {
      value: byteSize(1, 256 * MiB),
      default: '512K',
      meaning: 'names and values of all params of one plan together',
    }),
    maxListedKeys: setting('PLAN_MAX_LISTED_KEYS', {
      value: wholeNumber(1, 10_000_000),
      default: '100000',
      meaning: 'keys in one answer',
    }),
    maxListedPlans: setting('PLAN_MAX_LISTED_PLANS', {
      value: wholeNumber(1, 1_000_000),
      default: '10000',
      meaning: 'plans in one answer',
    }),
  },
  scheduler: {
    /** Zone of calendar plans that name none of their own. */
    timezone: setting('TIMEZONE', {
      value: timeZone,
      default: 'UTC',
      meaning: 'time zone of calendar plans that name none',
    }),
    misfireThresholdSeconds: setting('MISFIRE_THRESHOLD', {
      value: wholeNumber(1, year, ' seconds'),
      default: '60',
      meaning: 'seconds of lateness beyond which a due time counts as missed',
    }),
    maxUnfinished: setting('MAX_UNFINISHED', {
      value: wholeNumber(1, 100),
      default: '10',
      meaning: 'firings of one plan that may be unfinished at once; further ones are merged',
    }),
    /** Misfires started in a second; what is less late is not held back. */
    catchUpPerSecond: setting('CATCHUP_RATE', {
      value: wholeNumber(1, 1_000_000),
      default: '2000',
      meaning: 'missed firings made up for per second',
    }),
    stopGraceSeconds: setting('STOP_GRACE', {
      value: seconds(0, 3600),
      default: '8',
      meaning: 'seconds that runs under way get to end when the server stops',
    }),
  },
  store: {
    driver: setting('STORE_DRIVER', {
      flag: 'driver',
      value: oneOf(['mem'], {}, ' (the Redis store comes with a later version of forsun)'),
      default: 'mem',
      meaning: 'where plans are kept; mem: an embedded store in a directory',
    }),
    /** A directory; `~` and relative paths are resolved. */
    directory: setting('STORE_MEM_STORE_FILE', {
      flag: 'driver-mem-store-file',
      value: text,
      default: '~/.forsun/store',
      meaning: 'directory of the embedded store',
    }),
    sync: setting('STORE_MEM_SYNC', {
      flag: 'driver-mem-sync',
      value: oneOf(['always', 'everysec', 'never']),
      default: 'always',
      meaning: 'when a change is forced to disk; only always survives a power cut',
    }),
    /** How long a finished plan stays, with its status. */
    statusKeepSeconds: setting('STORE_STATUS_EXPRIED', {
      value: wholeNumber(0, year, ' seconds'),
      default: '0',
      meaning: 'seconds for which a finished plan stays to be asked for its status',
    }),
    reserveBytes: setting('STORE_MEM_RESERVE', {
      value: byteSize(0, 64 * GiB),
      default: '64M',
      meaning: 'disk space kept back so that a full disk does not stop firing',
    }),
  },
  action: {
    maxRuns: setting('ACTION_MAX_RUNS', {
      value: wholeNumber(2, 65_536),
      default: '1024',
      meaning: 'runs under way at once, of all plans',
    }),
    maxQueuedPerOrigin: setting('ACTION_MAX_QUEUED_PER_ORIGIN', {
      value: wholeNumber(0, 1_000_000),
      default: '1000',
      meaning: 'firings that wait in memory for one target; further ones wait in the store',
    }),
    retry: {
      maxCount: setting('ACTION_RETRY_MAX_COUNT', {
        value: wholeNumber(0, 1000),
        default: '3',
        meaning: 'further attempts after a failure that is worth repeating',
      }),
      delaySeconds: setting('ACTION_RETRY_DELAY_SECONDS', {
        value: seconds(0, day),
        default: '3',
        meaning: 'attempt n is repeated after delay + delay × rate × n seconds: 6, 9, 12',
      }),
      delayRate: setting('ACTION_RETRY_DELAY_RATE', {
        value: factor(0, 1000),
        default: '1',
        meaning: 'how much the delay grows with each attempt',
      }),
    },
    shell: {
      /** auto: on while every listener is loopback or a Unix socket. */
      allow: setting('ALLOW_SHELL', {
        value: oneOf(['auto', 'yes', 'no'], { true: 'yes', on: 'yes', false: 'no', off: 'no' }),
        default: 'auto',
        bareFlag: 'yes',
        meaning: 'run shell commands: yes, no, or auto: only while bound to loopback',
      }),
      cwd: setting('ACTION_SHELL_CWD', {
        value: text,
        default: '/tmp',
        meaning: 'working directory of commands whose plan names none',
      }),
      timeoutSeconds: setting('ACTION_SHELL_TIMEOUT', {
        value: seconds(0.1, 30 * day),
        default: '300',
        meaning: 'seconds after which a command and its children are killed',
      }),
      maxOutputBytes: setting('ACTION_SHELL_MAX_OUTPUT', {
        value: byteSize(0, 16 * MiB),
        default: '64K',
        meaning: "how much of a command's output is kept for the log, at level debug",
      }),
    },
    http: {
      /** Runs of one origin (scheme, host and port) at once. */
      maxRunsPerOrigin: setting('ACTION_HTTP_MAX_CLIENTS', {
        value: wholeNumber(1, 65_536),
        default: '64',
        meaning: 'requests to one origin under way at once',
      }),
      connectTimeoutSeconds: setting('ACTION_HTTP_CONNECT_TIMEOUT', {
        value: seconds(0.1, 3600),
        default: '5',
        meaning: 'seconds to reach a target whose plan names none',
      }),
      requestTimeoutSeconds: setting('ACTION_HTTP_REQUEST_TIMEOUT', {
        value: seconds(0.1, day),
        default: '60',
        meaning: 'seconds for a whole request whose plan names none',
      }),
      /** Empty: `forsun/` and the version. */
      userAgent: setting('ACTION_HTTP_USER_AGENT', {
        value: text,
        default: '',
        meaning: 'User-Agent of requests whose plan names none; empty: forsun/<version>',
      }),
      maxResponseBytes: setting('ACTION_HTTP_MAX_RESPONSE', {
        value: byteSize(0, 64 * MiB),
        default: '64K',
        meaning: 'how much of an answer is read before its connection is given up',
      }),
    },
  },
  log: {
    /** A path, or `-` for standard output. */
    file: setting('LOG_FILE', {
      flag: 'log',
      value: text,
      default: '-',
      meaning: 'file to log to; - is standard output',
    }),
    level: setting('LOG_LEVEL', {
      value: oneOf(['debug', 'info', 'warn', 'error'], {
        warning: 'warn',
        critical: 'error',
        fatal: 'error',
      }),
      default: 'info',
      meaning: 'least level that is logged: debug, info, warn or error',
    }),
    rotate: setting('LOG_ROTATE', {
      value: rotation,
      default: 'never',
      meaning: 'when a new log file is begun: DAY (at midnight UTC), a size as 64M, or never',
    }),
    backupCount: setting('LOG_BACKUP_COUNT', {
      value: wholeNumber(0, 100_000),
      default: '64',
      meaning: 'old log files kept; 0 keeps all',
    }),
  },
} as const;

type ConfigOf<T> =
  T extends Setting<infer Value> ? Value : { readonly [Name in keyof T]: ConfigOf<T[Name]> };

/** All settings, judged and complete. */
export type Config = ConfigOf<typeof settings>;
