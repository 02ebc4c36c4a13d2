import { z } from 'zod';

import type { Clock } from '../core/time.ts';
import type { Action, Outcome, Run } from './action.ts';
import { Connections } from './connections.ts';
import { addressOf, type Dial } from './dial.ts';
import type { Egress } from './egress.ts';
import { type MySQLConnection, type MySQLLogin, openMySQL } from './mysql-connection.ts';
import { SqlError } from './mysql-errors.ts';
import { mysqlOutcome } from './mysql-outcome.ts';
import type { ServerKey } from './mysql-server-key.ts';
import {
  hostName,
  paramFacts,
  portNumber,
  readParams,
  serverParams,
  text,
} from './param-schema.ts';

export interface MySQLSettings {
  /** Of plans that name none. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Of plans that name none and are for that host and port: shown to no other server. */
  readonly password: string;
  readonly maxRunsPerOrigin: number;
  readonly idleSeconds: number;
  readonly maxIdle: number;
  /** For the name and the connection, and again for the login. */
  readonly connectTimeoutSeconds: number;
  readonly timeoutSeconds: number;
  /** Bytes read of the answer to a statement; a longer one ends it, rolled back. */
  readonly maxResultBytes: number;
  readonly serverKey: ServerKey;
}

export const mysqlDefaults: MySQLSettings = {
  host: '127.0.0.1',
  port: 3306,
  user: 'root',
  password: '',
  maxRunsPerOrigin: 8,
  idleSeconds: 120,
  maxIdle: 256,
  connectTimeoutSeconds: 5,
  timeoutSeconds: 300,
  maxResultBytes: 16 * 1024 ** 2,
  serverKey: 'auto',
};

export interface MySQLDeps {
  readonly clock: Clock;
  readonly dial: Dial;
  readonly egress: Egress;
}

/** With its command byte it is one packet still. */
const MAX_SQL_BYTES = 16 * 1024 ** 2 - 64;

export const mysqlParams = z.object({
  host: hostName
    .optional()
    .register(paramFacts, { expected: 'a host name or an IP address; default: a setting' }),
  port: portNumber
    .optional()
    .register(paramFacts, { expected: 'a port, 1 to 65535; default: a setting' }),
  max_connections: serverParams({ port: 3306 }).max_connections,
  db: text
    .default('mysql')
    .register(paramFacts, { expected: 'the name of a database; default: mysql' }),
  user: text.optional().register(paramFacts, { expected: 'a user name; default: a setting' }),
  passwd: text.optional().register(paramFacts, {
    expected: 'a password; default: a setting, at its own server',
    isSecret: true,
  }),
  sql: z
    .string()
    .refine((sql) => Buffer.byteLength(sql) <= MAX_SQL_BYTES)
    .register(paramFacts, { expected: 'one SQL statement, below 16 MiB', isSecret: true }),
});

/** Runs one statement in a transaction of its own: committed, or rolled back and nothing done. */
export function mysqlAction(settings: MySQLSettings, deps: MySQLDeps): Action {
  const connections = new Connections<MySQLConnection>(deps.clock, settings);

  const runStatement = async (
    target: string,
    login: MySQLLogin,
    sql: string,
    run: Run,
  ): Promise<Outcome> => {
    try {
      for (;;) {
        const outcome = await connections.lend(
          JSON.stringify(login),
          (signal) => openMySQL(login, settings, deps, signal),
          run.signal,
          async (connection) => {
            if (!(await connection.isNew())) return undefined;
            const outcome = await transact(connection, sql, run, target);
            connection.renew(settings.connectTimeoutSeconds); // not waited for: the work is done
            return outcome;
          },
        );
        if (outcome !== undefined) return outcome;
      }
    } catch (error) {
      return mysqlOutcome(target, error);
    }
  };

  return {
    name: 'mysql',
    maxRunsPerOrigin: settings.maxRunsPerOrigin,
    timeoutSeconds: settings.timeoutSeconds,
    retriesDeadline: true, // what it cut was not committed, or has not said so
    prepare(params) {
      const given = readParams('mysql', mysqlParams, params);
      const { sql, max_connections: maxRuns } = given;
      const login = loginOf(given, settings);
      deps.egress.check('mysql', 'host', login);
      const origin = `mysql:${addressOf(login)}`;
      return {
        origin,
        ...(maxRuns === undefined ? {} : { maxRuns }),
        run: (run) => runStatement(origin, login, sql, run),
      };
    },
    async close() {
      connections.close();
    },
  };
}

/** Who makes plans could else have the password of the settings sent to a server of his own. */
function loginOf(given: z.output<typeof mysqlParams>, settings: MySQLSettings): MySQLLogin {
  const { host = settings.host, port = settings.port, db, user = settings.user, passwd } = given;
  const isOurs = port === settings.port && host.toLowerCase() === settings.host.toLowerCase();
  return { host, port, db, user, password: passwd ?? (isOurs ? settings.password : '') };
}

/** Rejects when the connection was lost on the way; what the server answers is an outcome. */
async function transact(
  connection: MySQLConnection,
  sql: string,
  run: Run,
  target: string,
): Promise<Outcome> {
  try {
    await connection.query(beginning(run));
    await connection.query(sql);
    await connection.query('COMMIT');
    return { kind: 'done' };
  } catch (error) {
    if (error instanceof SqlError) return mysqlOutcome(target, error); // renewing rolls back
    throw error;
  }
}

/** Begins a transaction with the first table touched, and says which firing it is: one round trip. */
const beginning = (run: Run): string =>
  [
    'SET autocommit = 0',
    `@forsun_timestamp = ${run.fireTime}`,
    `@forsun_key = ${literal(run.key)}`,
    `@forsun_fire_id = ${literal(run.fireId)}`,
    `@forsun_attempt = ${run.attempt}`,
  ].join(', ');

/** In hexadecimal, because what else must be escaped depends on the server's SQL mode. */
const literal = (value: string): string =>
  // Binary order, so that comparing it with a column of whatever collation is no error.
  `_utf8mb4 X'${Buffer.from(value).toString('hex')}' COLLATE utf8mb4_bin`;
