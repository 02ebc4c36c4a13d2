/** A setting of forsun's that means nothing here; clients notice no difference. */
export interface ObsoleteSetting {
  readonly name: string;
  /** Passes without a word, as a copied example file holds it; any case. */
  readonly default: string;
  readonly because: string;
}

/** What forsun can be told and this server need not be: warned of by name, never ignored. */
export const obsoleteSettings: readonly ObsoleteSetting[] = [
  {
    name: 'STORE_REDIS_MAX_CONNECTIONS',
    default: '8',
    because: 'one connection carries all commands',
  },
  {
    name: 'STORE_REDIS_CLIENT_TIMEOUT',
    default: '7200',
    because: 'the connection is kept, and made anew when it is lost',
  },
  {
    name: 'STORE_REDIS_BULK_SIZE',
    default: '5',
    because: 'each change is one script',
  },
  {
    name: 'STORE_REDIS_CURRENTTIME_EXPRIED',
    default: '2592000',
    because: 'what was missed is on the agenda, however long ago',
  },
  {
    name: 'STORE_REDIS_PLAN_EXPRIED',
    default: '604800',
    because: 'plans never expire',
  },
  {
    name: 'STORE_REDIS_PLANTIME_EXPRIED',
    default: '604800',
    because: 'due times never expire',
  },
  {
    name: 'STORE_MEM_TIME_RATE',
    default: '1',
    because: 'every change is on disk before it is answered',
  },
  {
    name: 'ACTION_POLL_IDLE_SECONDS',
    default: '120',
    because: 'it never had an effect',
  },
  {
    name: 'ACTION_REDIS_BULK_SIZE',
    default: '5',
    because: 'the commands of one firing go together, of two never',
  },
  {
    name: 'ACTION_MYSQL_WAIT_CONNECTION_TIMEOUT',
    default: '7200',
    because: 'a firing waits for its server as long as it must',
  },
  {
    name: 'LOG_FORMAT',
    default: '',
    because: 'a log line is always: time, pid, level, event, key=value …',
  },
];
