// An extension that brings the action `postgres`: a notification, or a statement, in a PostgreSQL database.
//
//   npm install pg            in the directory of this file, or above it
//   forsund --extension-path /etc/forsun/extensions --extension postgres
//   forsun "set tick */5/0 * * * * * postgres 'host=db1;user=app;password=…;channel=ticks'"
//
// params    host (127.0.0.1), port (5432), database (postgres), user (postgres), password, ssl (no; yes: checked
//           against the authorities that Node trusts), max_connections (a setting), and either
//           channel, payload (the fire id): sends NOTIFY, or
//           sql, args: one statement in a transaction; `args` is a JSON list for $1, $2, …
//           The statement can ask for current_setting('forsun.key'), 'forsun.fire_id' (the same when a firing
//           comes again: keep it in a unique column), 'forsun.fire_time' (epoch seconds), 'forsun.attempt'.
// settings  [extension.postgres] max_connections (8), connect_timeout (5), timeout (60), idle_seconds (120)
// outcome   What the database refuses has failed, and its SQLSTATE is told. Tried again is what may pass: no
//           connection, a lost one, SQLSTATE classes 08, 40, 53, 57, 58, and 55P03; and what its deadline
//           has cut, with which PostgreSQL may go on until it sees that nobody listens.

import {
  badParam,
  connectionLost,
  Connections,
  EgressRefused,
  noAnswer,
  paramFacts,
  readParams,
  refused,
  serverParams,
  text,
  transportReason,
  z,
} from 'forsun/extension';
import pg from 'pg';

/** @import { Action, Connection, ExtensionHost, ExtensionSettings, Outcome, Run } from 'forsun/extension' */

/** @typedef {{ readonly text: string, readonly values: readonly unknown[] }} Statement */
/** @typedef {Connection & { query(statement: Statement): Promise<void> }} Session */

const maxIdleConnections = 64;
/** Identifiers are cut there, and pg_notify refuses longer ones. */
const maxChannelBytes = 63;

const name = text.default('postgres');

export const postgresParams = z.object({
  ...serverParams({ port: 5432 }),
  database: name.register(paramFacts, { expected: 'a name; default: postgres' }),
  user: name.clone().register(paramFacts, { expected: 'a name; default: postgres' }),
  password: text.default('').register(paramFacts, { expected: 'text', isSecret: true }),
  ssl: z
    .enum(['yes', 'no'])
    .default('no')
    .register(paramFacts, { expected: 'yes or no; default: no' }),
  channel: text
    .refine((channel) => Buffer.byteLength(channel) <= maxChannelBytes)
    .optional()
    .register(paramFacts, { expected: `a name of at most ${maxChannelBytes} bytes` }),
  payload: text.optional().register(paramFacts, { expected: 'text; default: the fire id' }),
  sql: text.optional().register(paramFacts, { expected: 'a statement' }),
  args: text.optional().register(paramFacts, {
    expected: 'a JSON list of texts, numbers, true, false and null',
    isSecret: true,
  }),
});

/** @typedef {z.output<typeof postgresParams>} Given */

/** @type {import('forsun/extension').Extension} */
export default {
  name: 'postgres',
  register(host) {
    host.registerAction(postgresAction(host));
  },
};

/**
 * @param {Pick<ExtensionHost, 'clock' | 'dial' | 'settings'>} host
 * @returns {Action}
 */
function postgresAction({ clock, dial, settings }) {
  const idleSeconds = numberOf(settings, 'idle_seconds', 120);
  const connectTimeoutSeconds = numberOf(settings, 'connect_timeout', 5);
  /** @type {Connections<Session>} */
  const sessions = new Connections(clock, { idleSeconds, maxIdle: maxIdleConnections });

  /** @type {(given: Given, signal: AbortSignal) => Promise<Session>} */
  const open = async ({ host, port, database, user, password, ssl }, signal) => {
    const socket = await dial({ host, port, timeoutSeconds: connectTimeoutSeconds, signal });
    const client = new pg.Client({
      ...{ host, port, database, user, ssl: ssl === 'yes' },
      password: () => password, // as a text, an empty one would be looked for in our environment
      application_name: 'forsun',
      stream: () => connected(socket),
    });
    let isUsable = true;
    const end = () => {
      isUsable = false;
      socket.destroy();
    };
    client.on('error', end).on('end', end);
    const cancelTimeout = clock.after(connectTimeoutSeconds * 1000, end);
    signal.addEventListener('abort', end);
    try {
      await client.connect();
    } catch (error) {
      // pg itself gives a login up, as when a password is asked for and there is none.
      const isGivenUp = !socket.destroyed && !(error instanceof pg.DatabaseError);
      end();
      throw isGivenUp ? new LoginGivenUp() : error;
    } finally {
      cancelTimeout();
      signal.removeEventListener('abort', end);
    }
    return {
      get isUsable() {
        return isUsable;
      },
      end,
      query: (statement) => queried(client, statement),
    };
  };

  return {
    name: 'postgres',
    maxRunsPerOrigin: numberOf(settings, 'max_connections', 8),
    timeoutSeconds: numberOf(settings, 'timeout', 60),
    retriesDeadline: true,
    prepare(params) {
      const given = readParams('postgres', postgresParams, params);
      const statementOf = statementMaker(given);
      const { host, port, database, user, password, ssl, max_connections: maxRuns } = given;
      const identity = JSON.stringify([host, port, database, user, password, ssl]);
      const origin = `postgres:${host}:${port}`;
      return {
        ...{ origin, ...(maxRuns === undefined ? {} : { maxRuns }) },
        async run(run) {
          try {
            await sessions.lend(
              identity,
              (signal) => open(given, signal),
              run.signal,
              (session) => inTransaction(session, run, statementOf(run)),
            );
            return { kind: 'done' };
          } catch (error) {
            return outcomeOf(origin, error);
          }
        },
      };
    },
    async close() {
      sessions.close();
    },
  };
}

class LoginGivenUp extends Error {}

/**
 * Judges what is to be done, once for all runs.
 *
 * @param {Given} given
 * @returns {(run: Run) => Statement}
 */
function statementMaker({ channel, payload, sql, args }) {
  if ((channel === undefined) === (sql === undefined)) {
    throw badParam('postgres', 'channel', channel, { expected: 'either channel or sql' });
  }
  if (sql !== undefined) {
    const values = args === undefined ? [] : listOf(args);
    return () => ({ text: sql, values });
  }
  return ({ fireId }) => ({
    text: 'SELECT pg_notify($1, $2)',
    values: [channel, payload ?? fireId],
  });
}

/**
 * @param {string} json
 * @returns {readonly unknown[]}
 */
function listOf(json) {
  /** @type {unknown} */
  let values;
  try {
    values = JSON.parse(json);
  } catch {
    values = undefined;
  }
  const isScalar = (/** @type {unknown} */ value) => value === null || typeof value !== 'object';
  if (Array.isArray(values) && values.every(isScalar)) return values;
  throw badParam('postgres', 'args', json, {
    expected: 'a JSON list of texts, numbers, true, false and null',
    isSecret: true,
  });
}

/**
 * @param {Session} session
 * @param {Run} run
 * @param {Statement} statement
 */
async function inTransaction(session, { key, fireId, fireTime, attempt }, statement) {
  const facts = { key, fire_id: fireId, fire_time: fireTime, attempt };
  const settings = Object.keys(facts).map(
    (fact, n) => `set_config('forsun.${fact}', $${n + 1}, true)`,
  );
  await session.query({ text: 'BEGIN', values: [] });
  await session.query({
    text: `SELECT ${settings.join()}`,
    values: Object.values(facts).map(String),
  });
  await session.query(statement);
  await session.query({ text: 'COMMIT', values: [] });
}

/** A query of which no rows are kept: there may be many, and nobody asks for them. */
class RowlessQuery extends pg.Query {
  handleDataRow() {
    // dropped
  }
}

/**
 * One statement, whatever its text holds: the extended protocol takes no second one.
 *
 * @param {pg.Client} client
 * @param {Statement} statement
 * @returns {Promise<void>}
 */
const queried = (client, { text, values }) =>
  new Promise((resolve, reject) => {
    const config = { text, values: [...values], queryMode: 'extended' };
    client.query(new RowlessQuery(config, (error) => (error ? reject(error) : resolve())));
  });

/**
 * pg wants to connect its socket itself; this one is connected.
 *
 * @template {import('node:net').Socket} S
 * @param {S} socket
 */
const connected = (socket) =>
  Object.assign(socket, {
    connect: () => {
      process.nextTick(() => socket.emit('connect'));
      return socket;
    },
  });

/**
 * In codes only: the message of a refusal may quote the values.
 *
 * @param {string} origin
 * @param {unknown} error
 * @returns {Outcome}
 */
function outcomeOf(origin, error) {
  if (error instanceof EgressRefused) return connectionLost(origin, error);
  if (error instanceof LoginGivenUp) return refused(origin, 'it takes no login with these params');
  if (!(error instanceof pg.DatabaseError)) return noAnswer(origin, whyNoAnswer(error));
  const { code } = error;
  if (code === undefined) return noAnswer(origin, 'it does not speak as PostgreSQL does');
  const reason = `SQLSTATE ${code}`;
  return passes(code) ? { kind: 'retry', reason: `${origin}: ${reason}` } : refused(origin, reason);
}

/** @param {unknown} error */
function whyNoAnswer(error) {
  const reason = transportReason(error);
  return reason === 'Error' ? 'the connection was lost' : reason;
}

/** @param {string} sqlState */
const passes = (sqlState) => /^(08|40|53|57|58)|^55P03$/.test(sqlState);

/**
 * @param {ExtensionSettings} settings
 * @param {string} key
 * @param {number} byDefault
 */
function numberOf(settings, key, byDefault) {
  const came = settings.get(key) ?? String(byDefault);
  if (/^[1-9]\d{0,5}$/.test(came)) return Number(came);
  throw new Error(`${key} is ${JSON.stringify(came)}, expected a whole number from 1 to 999999`);
}
