/** A setting of forsun's that this version knows and does not have. */
export interface AbsentSetting {
  readonly name: string;
  readonly flag?: string;
  /** Values that ask for nothing and so pass, as a copied example file holds them; any case. */
  readonly harmless: readonly string[];
  /** Why there is nothing to set. */
  readonly because: string;
  /** True: its absence changes nothing a client can notice, so it is a warning, not a refusal. */
  readonly isObsolete: boolean;
}

const later = (
  feature: string,
  rows: readonly (readonly [name: string, byDefault: string, flag?: string])[],
): readonly AbsentSetting[] =>
  rows.map(([name, byDefault, flag]) => ({
    name,
    ...(flag === undefined ? {} : { flag }),
    harmless: [byDefault],
    because: `${feature} comes with a later version of forsun`,
    isObsolete: false,
  }));

const obsolete = (name: string, harmless: string, because: string): AbsentSetting => ({
  name,
  harmless: [harmless],
  because,
  isObsolete: true,
});

/** What forsun can be told and this version cannot: refused by name, or warned of, never ignored. */
export const absentSettings: readonly AbsentSetting[] = [
  ...later('the Redis store', [
    ['STORE_REDIS_HOST', '127.0.0.1', 'driver-redis-host'],
    ['STORE_REDIS_PORT', '6379', 'driver-redis-port'],
    ['STORE_REDIS_DB', '0', 'driver-redis-db'],
    ['STORE_REDIS_PASSWORD', '', 'driver-redis-password'],
    ['STORE_REDIS_PREFIX', 'forsun', 'driver-redis-prefix'],
    ['STORE_REDIS_SERVER_ID', '0', 'driver-redis-server-id'],
    ['STORE_REDIS_MAX_CONNECTIONS', '8'],
    ['STORE_REDIS_CLIENT_TIMEOUT', '7200'],
    ['STORE_REDIS_BULK_SIZE', '5'],
    ['STORE_REDIS_CURRENTTIME_EXPRIED', '2592000'],
    ['STORE_REDIS_PLAN_EXPRIED', '604800'],
    ['STORE_REDIS_PLANTIME_EXPRIED', '604800'],
  ]),
  {
    name: 'SERVER_MODE',
    flag: 'server-mode',
    harmless: ['', 'timer'],
    because: 'a server that answers and never fires (AGENT) comes with a later version of forsun',
    isObsolete: false,
  },
  obsolete('STORE_MEM_TIME_RATE', '1', 'every change is on disk before it is answered'),
  obsolete('ACTION_POLL_IDLE_SECONDS', '120', 'it never had an effect'),
  obsolete('ACTION_REDIS_BULK_SIZE', '5', 'the commands of one firing go together, of two never'),
  obsolete(
    'ACTION_MYSQL_WAIT_CONNECTION_TIMEOUT',
    '7200',
    'a firing waits for its server as long as it must',
  ),
  obsolete('LOG_FORMAT', '', 'a log line is always: time, pid, level, event, key=value …'),
];
