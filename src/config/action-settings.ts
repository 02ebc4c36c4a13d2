import { setting } from './setting.ts';
import {
  byteSize,
  factor,
  host,
  listOf,
  nameServer,
  oneOf,
  seconds,
  text,
  wholeNumber,
} from './values.ts';

const day = 86_400;
const MiB = 1024 ** 2;

/** Runs of actions, and how those that come with the server behave unless a plan says otherwise. */
export const actionSettings = {
  maxRuns: setting('ACTION_MAX_RUNS', {
    value: wholeNumber(2, 65_536),
    default: '1024',
    meaning: 'runs under way at once, besides twice as many whose targets do not answer',
  }),
  maxQueuedPerOrigin: setting('ACTION_MAX_QUEUED_PER_ORIGIN', {
    value: wholeNumber(0, 1_000_000),
    default: '4000',
    meaning: 'firings that wait in memory for one target; further ones wait in the store',
  }),
  maxHeld: setting('ACTION_MAX_HELD', {
    value: wholeNumber(2, 1_000_000),
    default: '8192',
    meaning: 'firings held in memory, running or waiting, of all plans',
  }),
  retry: {
    maxCount: setting('ACTION_RETRY_MAX_COUNT', {
      value: wholeNumber(0, 100),
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
  /** Empty: those of /etc/resolv.conf. */
  nameServers: setting('ACTION_NAME_SERVERS', {
    value: listOf(nameServer),
    default: '',
    isList: true,
    meaning: 'name servers to ask, as 10.0.0.2 or [::1]:5353; empty: those of /etc/resolv.conf',
  }),
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
    /** Between SIGTERM and SIGKILL. */
    killGraceSeconds: setting('ACTION_SHELL_KILL_GRACE', {
      value: seconds(0, 3600),
      default: '5',
      meaning: 'seconds a command gets to end after SIGTERM, before SIGKILL',
    }),
    maxRunsPerPlan: setting('ACTION_SHELL_MAX_RUNS', {
      value: wholeNumber(1, 1000),
      default: '10',
      meaning: 'commands of one plan under way at once',
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
    maxRedirects: setting('ACTION_HTTP_MAX_REDIRECTS', {
      value: wholeNumber(0, 50),
      default: '5',
      meaning: 'redirects followed in one run',
    }),
    maxResponseBytes: setting('ACTION_HTTP_MAX_RESPONSE', {
      value: byteSize(0, 64 * MiB),
      default: '64K',
      meaning: 'how much of an answer is read before its connection is given up',
    }),
  },
  redis: {
    maxRunsPerOrigin: setting('ACTION_REDIS_MAX_CONNECTIONS', {
      value: wholeNumber(1, 1024),
      default: '8',
      meaning: 'runs at one Redis server at once, of plans that set no limit',
    }),
    connectTimeoutSeconds: setting('ACTION_REDIS_CONNECT_TIMEOUT', {
      value: seconds(0.1, 3600),
      default: '5',
      meaning: 'seconds to reach a Redis server',
    }),
    timeoutSeconds: setting('ACTION_REDIS_TIMEOUT', {
      value: seconds(0.1, day),
      default: '60',
      meaning: 'seconds for all commands of a run, the connection included',
    }),
    idleSeconds: setting('ACTION_REDIS_CLIENT_TIMEOUT', {
      value: seconds(1, day),
      default: '7200',
      meaning: 'seconds after which an unused connection to a Redis server is closed',
    }),
    maxIdle: setting('ACTION_REDIS_MAX_IDLE', {
      value: wholeNumber(0, 65_536),
      default: '256',
      meaning: 'unused connections kept, to all servers together',
    }),
    maxReplyBytes: setting('ACTION_REDIS_MAX_RESPONSE', {
      value: byteSize(1024, 64 * MiB),
      default: '1M',
      meaning: 'size of all replies to one run; a run whose replies are longer has failed',
    }),
  },
  thrift: {
    maxRunsPerOrigin: setting('ACTION_THRIFT_MAX_CONNECTIONS', {
      value: wholeNumber(1, 1024),
      default: '64',
      meaning: 'calls to one Thrift server at once, of plans that set no limit',
    }),
    connectTimeoutSeconds: setting('ACTION_THRIFT_CONNECT_TIMEOUT', {
      value: seconds(0.1, 3600),
      default: '5',
      meaning: 'seconds to reach a Thrift server',
    }),
    timeoutSeconds: setting('ACTION_THRIFT_TIMEOUT', {
      value: seconds(0.1, day),
      default: '60',
      meaning: 'seconds for a whole call, the connection included',
    }),
    idleSeconds: setting('ACTION_THRIFT_IDLE_SECONDS', {
      value: seconds(0.1, day),
      default: '120',
      meaning: 'seconds after which an unused connection is closed',
    }),
    maxIdle: setting('ACTION_THRIFT_MAX_IDLE', {
      value: wholeNumber(0, 65_536),
      default: '256',
      meaning: 'unused connections kept, to all servers together',
    }),
    maxReplyBytes: setting('ACTION_THRIFT_MAX_RESPONSE', {
      value: byteSize(1024, 64 * MiB),
      default: '64K',
      meaning: 'size of a reply; a call whose reply is longer has failed',
    }),
  },
  beanstalk: {
    maxRunsPerOrigin: setting('ACTION_BEANSTALK_MAX_CONNECTIONS', {
      value: wholeNumber(1, 1024),
      default: '8',
      meaning: 'jobs put into one server at once, of plans that set no limit',
    }),
    connectTimeoutSeconds: setting('ACTION_BEANSTALK_CONNECT_TIMEOUT', {
      value: seconds(0.1, 3600),
      default: '5',
      meaning: 'seconds to reach a beanstalk server',
    }),
    timeoutSeconds: setting('ACTION_BEANSTALK_TIMEOUT', {
      value: seconds(0.1, day),
      default: '30',
      meaning: 'seconds to put a job, the connection included',
    }),
    idleSeconds: setting('ACTION_BEANSTALK_IDLE_SECONDS', {
      value: seconds(0.1, day),
      default: '120',
      meaning: 'seconds after which an unused connection is closed',
    }),
    maxIdle: setting('ACTION_BEANSTALK_MAX_IDLE', {
      value: wholeNumber(0, 65_536),
      default: '256',
      meaning: 'unused connections kept, to all servers together',
    }),
  },
  mysql: {
    host: setting('ACTION_MYSQL_HOST', {
      value: host,
      default: '127.0.0.1',
      meaning: 'server of plans that name none',
    }),
    port: setting('ACTION_MYSQL_PORT', {
      value: wholeNumber(1, 65_535),
      default: '3306',
      meaning: 'its port, of plans that name none',
    }),
    user: setting('ACTION_MYSQL_USER', {
      value: text,
      default: 'root',
      meaning: 'user of plans that name none',
    }),
    password: setting('ACTION_MYSQL_PASSWD', {
      value: text,
      default: '',
      meaning:
        'password at that host and port of plans that name none; never shown to another server',
    }),
    maxRunsPerOrigin: setting('ACTION_MYSQL_MAX_CONNECTIONS', {
      value: wholeNumber(1, 1_024),
      default: '8',
      meaning: 'statements under way at once at one server whose plans name no number',
    }),
    idleSeconds: setting('ACTION_MYSQL_IDLE_SECONDS', {
      value: seconds(0.1, day),
      default: '120',
      meaning: 'seconds after which an unused connection is closed',
    }),
    maxIdle: setting('ACTION_MYSQL_MAX_IDLE', {
      value: wholeNumber(0, 65_536),
      default: '256',
      meaning: 'unused connections kept, to all servers together',
    }),
    connectTimeoutSeconds: setting('ACTION_MYSQL_CONNECT_TIMEOUT', {
      value: seconds(0.1, 3600),
      default: '5',
      meaning: 'seconds to reach a server, and again to log in',
    }),
    timeoutSeconds: setting('ACTION_MYSQL_TIMEOUT', {
      value: seconds(0.1, day),
      default: '300',
      meaning: 'seconds for a statement, its connection and its commit',
    }),
    maxResultBytes: setting('ACTION_MYSQL_MAX_RESULT', {
      value: byteSize(1024, 1024 * MiB),
      default: '16M',
      meaning: 'how much a statement may answer before it is cut off and rolled back',
    }),
    serverKey: setting('ACTION_MYSQL_GET_SERVER_PUBLIC_KEY', {
      value: oneOf(['auto', 'yes', 'no'], { true: 'yes', on: 'yes', false: 'no', off: 'no' }),
      default: 'auto',
      bareFlag: 'yes',
      meaning:
        'send a password by a key that the server itself hands out: yes, no, or auto: only on loopback',
    }),
  },
} as const;
