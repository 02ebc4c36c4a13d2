import { accessSettings } from './access-settings.ts';
import { actionSettings } from './action-settings.ts';
import { egressSettings } from './egress-settings.ts';
import type { ExtensionSections } from './extension-sections.ts';
import { extensionSettings } from './extension-settings.ts';
import { httpSettings } from './http-settings.ts';
import type { RedisStoreConfig } from './redis-store.ts';
import { redisStoreSettings } from './redis-store-settings.ts';
import { secretSettings } from './secret-settings.ts';
import { type ConfigOf, setting } from './setting.ts';
import { thriftSettings } from './thrift-settings.ts';
import {
  byteSize,
  oneOf,
  rotation,
  seconds,
  storeDriver,
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
  thrift: thriftSettings,
  access: accessSettings,
  http: httpSettings,
  egress: egressSettings,
  secrets: secretSettings,
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
    /** An agent answers and never fires: for it do others that share its store. */
    mode: setting('SERVER_MODE', {
      value: oneOf(['timer', 'agent']),
      default: 'timer',
      meaning:
        'timer: a whole server; agent: it answers and never fires, for others that share its store do',
    }),
    /** Zone of calendar plans that name none of their own. */
    timezone: setting('TIMEZONE', {
      value: timeZone,
      default: 'UTC',
      meaning: 'time zone of calendar plans that name none',
    }),
    misfireThresholdSeconds: setting('MISFIRE_THRESHOLD', {
      value: wholeNumber(0, year, ' seconds'),
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
      value: storeDriver,
      default: 'mem',
      meaning:
        'where plans are kept; mem: in a directory of this server; redis: in a Redis that servers share; else an extension has it',
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
    failuresKept: setting('FAILURES_KEPT', {
      value: wholeNumber(0, 100_000),
      default: '10000',
      meaning: 'newest failures kept for `forsun failures`; 0 keeps none',
    }),
    reserveBytes: setting('STORE_MEM_RESERVE', {
      value: byteSize(0, 64 * GiB),
      default: '64M',
      meaning: 'disk space kept back so that a full disk does not stop firing',
    }),
    redis: redisStoreSettings,
  },
  action: actionSettings,
  extension: extensionSettings,
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

/** All settings, judged one by one. */
export type Settings = ConfigOf<typeof settings>;

/** All settings, judged and complete. */
export type Config = Omit<Settings, 'store'> & {
  readonly store: Omit<Settings['store'], 'redis'> & { readonly redis: RedisStoreConfig };
  readonly extensionSections: ExtensionSections;
};
