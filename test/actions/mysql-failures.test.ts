import { beforeAll, beforeEach, describe, expect, test } from 'vitest';

import type { Outcome } from '../../src/actions/action.ts';
import { MySQLRig } from './mysql-rig.ts';
import { Relay } from './relay.ts';
import { RawServer } from './sink.ts';
import { fire, until } from './support.ts';

const rig = new MySQLRig();
const done: Outcome = { kind: 'done' };
const insert = `INSERT INTO orders VALUES (1, 'sesame')`;

beforeAll(async () => {
  await rig.query(`CREATE USER reader@'%' IDENTIFIED BY 'sesame'`);
  await rig.query(`GRANT SELECT ON shop.* TO reader@'%'`);
  // Without the rights of root, and so without root's exceptions.
  await rig.query(`CREATE USER writer@'%' IDENTIFIED BY 'sesame'`);
  await rig.query(`GRANT SELECT, INSERT ON shop.* TO writer@'%'`);
});

beforeEach(async () => {
  await rig.query('CREATE OR REPLACE TABLE shop.orders (id INT PRIMARY KEY, note TEXT)');
});

const notes = (): Promise<unknown[]> => rig.column('SELECT note FROM shop.orders ORDER BY id');

const refusal = (what: string): Outcome => ({
  kind: 'failed',
  reason: `refused by mysql:127.0.0.1:${rig.server.port}: ${what}`,
});

describe('what the server refuses is final, and its reason quotes nothing', () => {
  test.each([
    [{ passwd: 'sesame' }, 'error 1045 (28000)'],
    [{ user: 'sesame' }, 'error 1045 (28000)'],
    [{ db: 'sesame' }, 'error 1049 (42000)'],
    [{ user: 'reader', passwd: 'sesame', db: 'mysql' }, 'error 1044 (42000)'],
    [{ user: 'reader', passwd: 'sesame' }, 'error 1142 (42000)'],
    [{ sql: 'sesame' }, 'error 1064 (42000)'],
    [{ sql: 'DELETE FROM sesame' }, 'error 1146 (42S02)'],
    [{ sql: `INSERT INTO orders VALUES ('sesame', '')` }, 'error 1366 (22007)'],
  ])('%o', async (params, code) => {
    expect(await fire(rig.action(), rig.plan(insert, params))).toEqual(refusal(code));
    expect(await notes()).toEqual([]);
  });

  test('a login by ed25519, which is not known', async () => {
    await rig.query(`INSTALL SONAME 'auth_ed25519'`);
    await rig.query(`CREATE USER edward@'%' IDENTIFIED VIA ed25519 USING PASSWORD('sesame')`);
    const params = { user: 'edward', passwd: 'sesame' };
    expect(await fire(rig.action(), rig.plan(insert, params))).toEqual(
      refusal('its way to log in is not supported (AUTH_SWITCH_PLUGIN_ERROR)'),
    );
  });
});

describe('a server that asks to come again is asked again', () => {
  const comeAgain = (what: string): Outcome => ({
    kind: 'retry',
    reason: `put off by mysql:127.0.0.1:${rig.server.port}: ${what}`,
  });

  test('when a lock was not given in time', async () => {
    await rig.query(`INSERT INTO shop.orders VALUES (1, 'a')`);
    await rig.query('BEGIN');
    await rig.query('SELECT * FROM shop.orders FOR UPDATE');
    const action = rig.action();
    const update = rig.plan(`UPDATE orders SET note = 'b'`);
    expect(await fire(action, update)).toEqual(comeAgain('error 1205 (HY000)'));
    await rig.query('COMMIT');
    expect(await fire(action, update)).toEqual(done);
    expect(await notes()).toEqual(['b']);
  });

  test('when its user has too many connections', async () => {
    await rig.query(`ALTER USER app@'%' WITH MAX_USER_CONNECTIONS 1`);
    const first = fire(rig.action(), rig.plan('DO SLEEP(0.5)'));
    await runningSession();
    const outcome = await fire(rig.action(), rig.plan('DO 1'));
    await rig.query(`ALTER USER app@'%' WITH MAX_USER_CONNECTIONS 0`);
    expect(await first).toEqual(done);
    expect(outcome).toEqual(comeAgain('error 1226 (42000)'));
  });

  test('when there are too many connections, as it says before its greeting', async () => {
    await rig.query('SET GLOBAL max_connections = 10');
    const action = rig.action();
    const sleep = rig.plan('DO SLEEP(0.5)', { user: 'writer', passwd: 'sesame' });
    const outcomes = await Promise.all(Array.from({ length: 14 }, () => fire(action, sleep)));
    await rig.query('SET GLOBAL max_connections = 100');
    const refused = outcomes.filter(({ kind }) => kind !== 'done');
    expect(refused.length).toBeGreaterThanOrEqual(4);
    for (const outcome of refused) {
      expect(outcome).toMatchObject({
        kind: 'retry',
        reason: expect.stringMatching(/: error 1040( \(08004\))?$/) as string,
      });
    }
  });

  test('when it takes no writes, as after a failover', async () => {
    await rig.query('SET GLOBAL read_only = 1');
    const write = rig.plan(insert, { user: 'writer', passwd: 'sesame' });
    const outcome = await fire(rig.action(), write);
    await rig.query('SET GLOBAL read_only = 0');
    expect(outcome).toEqual(comeAgain('error 1290 (HY000)'));
  });

  test('when a statement takes longer than the server allows', async () => {
    await rig.query('SET GLOBAL max_statement_time = 0.1');
    const outcome = await fire(rig.action(), rig.plan('INSERT INTO orders SELECT 1, SLEEP(20)'));
    await rig.query('SET GLOBAL max_statement_time = 0');
    expect(outcome).toEqual(comeAgain('error 1969 (70100)'));
    expect(await notes()).toEqual([]);
  });

  test('when it ends in good order', async () => {
    const outcome = fire(rig.action(), rig.plan('INSERT INTO orders SELECT 1, SLEEP(20)'));
    await runningSession();
    await rig.query('SHUTDOWN');
    expect(await outcome).toMatchObject({ kind: 'retry' });
    await rig.server.kill();
    await rig.server.startAgain();
    expect(await notes()).toEqual([]);
  });

  test('when it has chosen a statement to end a deadlock', async () => {
    await rig.query(`INSERT INTO shop.orders VALUES (1, 'a'), (2, 'a')`);
    await rig.query(`CREATE OR REPLACE PROCEDURE shop.exchange(first INT, second INT) BEGIN
      UPDATE orders SET note = first WHERE id = first;
      DO SLEEP(0.2);
      UPDATE orders SET note = first WHERE id = second; END`);
    const action = rig.action();
    const outcomes = await Promise.all(
      ['CALL exchange(1, 2)', 'CALL exchange(2, 1)'].map((sql) => fire(action, rig.plan(sql))),
    );
    expect(outcomes).toContainEqual(done);
    expect(outcomes).toContainEqual(comeAgain('error 1213 (40001)'));
    expect(new Set(await notes()).size).toBe(1);
  });

  test('when a statement was interrupted', async () => {
    const outcome = fire(rig.action(), rig.plan('INSERT INTO orders SELECT 1, SLEEP(20)'));
    await rig.query(`KILL QUERY ${await runningSession()}`);
    expect(await outcome).toEqual(comeAgain('error 1317 (70100)'));
    expect(await notes()).toEqual([]);
  });

  const others = [1021, 1037, 1038, 1041, 1047, 1053, 1114, 1135, 1203, 1836, 1927];
  test.each([...others, 3024, 3101, 3572, 4031])('by error %i', async (number) => {
    await rig.query(`CREATE OR REPLACE PROCEDURE shop.fail() BEGIN
      INSERT INTO orders VALUES (1, 'a');
      SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = ${number}; END`);
    const outcome = await fire(rig.action(), rig.plan('CALL fail()'));
    expect(outcome).toEqual(comeAgain(`error ${number} (HY000)`));
    expect(await notes()).toEqual([]);
  });
});

describe('no answer is a reason to come again', () => {
  const noAnswer = (port: number, why: string): Outcome => ({
    kind: 'retry',
    reason: `no answer from mysql:127.0.0.1:${port}: ${why}`,
  });

  test('when nobody listens', async () => {
    const server = await RawServer.open(() => undefined);
    const { port } = server;
    await server.close();
    expect(await fire(rig.action(), rig.plan(insert, { port: String(port) }))).toEqual(
      noAnswer(port, 'ECONNREFUSED'),
    );
  });

  test('when it listens and says nothing, after the time for that', async () => {
    const server = rig.closeAfterwards(await RawServer.open(() => undefined));
    const action = rig.action({ connectTimeoutSeconds: 0.1 });
    expect(await fire(action, rig.plan(insert, { port: String(server.port) }))).toEqual(
      noAnswer(server.port, 'no login within 0.1 s'),
    );
    await until(() => server.openConnections === 0);
  });

  test.each([
    ['before it is sent', 'autocommit', []],
    ['before its answer', 'autocommit', []],
    ['before it is sent', 'sesame', []],
    ['before its answer', 'sesame', []],
    ['before it is sent', 'COMMIT', []],
    ['before its answer', 'COMMIT', ['sesame']],
  ] as const)('when the connection is lost %s: %s', async (when, word, left) => {
    const relay = rig.closeAfterwards(await Relay.to(rig.server.port));
    const action = rig.action();
    const plan = (sql: string) => rig.plan(sql, { port: String(relay.port) });
    expect(await fire(action, plan('DO 1'))).toEqual(done);
    relay.cut = { when, word };
    expect(await fire(action, plan(insert))).toEqual(
      noAnswer(relay.port, 'PROTOCOL_CONNECTION_LOST'),
    );
    await until(async () => (await rig.sessions()).length === 0);
    expect(await notes()).toEqual(left);
    relay.cut = undefined;
    expect(await fire(action, plan('DO 1'))).toEqual(done);
  });

  test('unless the commit was answered: a session that cannot be made new is ended', async () => {
    const relay = rig.closeAfterwards(await Relay.to(rig.server.port));
    const action = rig.action();
    const plan = rig.plan(insert, { port: String(relay.port) });
    relay.cut = { when: 'before its answer', word: '\u0011app' }; // COM_CHANGE_USER
    expect(await fire(action, plan)).toEqual(done);
    await until(async () => (await rig.sessions()).length === 0);
    expect(await notes()).toEqual(['sesame']);
  });

  test('when its session was killed', async () => {
    const outcome = fire(rig.action(), rig.plan('INSERT INTO orders SELECT 1, SLEEP(20)'));
    await rig.query(`KILL ${await runningSession()}`);
    expect(await outcome).toMatchObject({ kind: 'retry' });
    expect(await notes()).toEqual([]);
  });

  test('when the server dies; once it is back, it is used again', async () => {
    const action = rig.action();
    const outcome = fire(action, rig.plan('INSERT INTO orders SELECT 1, SLEEP(20)'));
    await runningSession();
    await rig.server.kill();
    expect(await outcome).toMatchObject({ kind: 'retry' });
    expect(await fire(action, rig.plan(insert))).toEqual(noAnswer(rig.server.port, 'ECONNREFUSED'));
    await rig.server.startAgain();
    expect(await fire(action, rig.plan(insert))).toEqual(done);
    expect(await notes()).toEqual(['sesame']);
  });

  test('when the run is cut: it ends at once, and nothing is committed', async () => {
    const deadline = new AbortController();
    const action = rig.action();
    const sql = 'INSERT INTO orders SELECT 1, SLEEP(0.5)';
    const outcome = fire(action, rig.plan(sql), { signal: deadline.signal });
    await runningSession();
    deadline.abort(new Error('too late'));
    expect(await outcome).toMatchObject({ kind: 'retry' });
    expect(await rig.sessions()).toHaveLength(1); // it still runs there
    await until(async () => (await rig.sessions()).length === 0);
    expect(await notes()).toEqual([]);
  });

  test('when the run is cut during its login', async () => {
    const server = rig.closeAfterwards(await RawServer.open(() => undefined));
    const deadline = new AbortController();
    const params = { port: String(server.port) };
    const outcome = fire(rig.action(), rig.plan(insert, params), { signal: deadline.signal });
    await until(() => server.openConnections === 1);
    deadline.abort(new Error('too late'));
    expect(await outcome).toMatchObject({ kind: 'retry' });
    await until(() => server.openConnections === 0);
  });
});

/** The session in which a statement sleeps, once it does. */
async function runningSession(): Promise<number> {
  for (;;) {
    const [id] = await rig.column(
      `SELECT id FROM information_schema.processlist WHERE user = 'app' AND info LIKE '%SLEEP%'`,
    );
    if (id !== undefined) return Number(id);
  }
}
