import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeAll, beforeEach, describe, expect, test } from 'vitest';

import type { Outcome } from '../../src/actions/action.ts';
import { aDirectory } from '../support/database.ts';
import { MySQLRig } from './mysql-rig.ts';
import { fire, until } from './support.ts';

const rig = new MySQLRig();
const done: Outcome = { kind: 'done' };

beforeAll(async () => {
  await rig.query('CREATE DATABASE other');
  await rig.addUser('second', 'pass');
});

beforeEach(async () => {
  await rig.query('CREATE OR REPLACE TABLE shop.orders (id INT PRIMARY KEY, note TEXT)');
  await rig.query('CREATE OR REPLACE TABLE other.orders (id INT PRIMARY KEY, note TEXT)');
});

const notes = (): Promise<unknown[]> => rig.column('SELECT note FROM shop.orders ORDER BY id');

describe('a statement', () => {
  test('is committed when it has succeeded', async () => {
    expect(await fire(rig.action(), rig.plan(`INSERT INTO orders VALUES (1, 'paid')`))).toEqual(
      done,
    );
    expect(await notes()).toEqual(['paid']);
  });

  test.each([
    'a?b ??',
    `it's "quoted" \`so\``,
    'line\nline\r\n\ttab',
    '訂單 😀 é',
    ':name @id %s %%',
  ])('reaches the server as it is written: %j', async (text) => {
    const sql = `INSERT INTO orders VALUES (1, '${text.replaceAll("'", "''")}')`;
    expect(await fire(rig.action(), rig.plan(sql))).toEqual(done);
    expect(await notes()).toEqual([text]);
  });

  test.each([';', ' ; ', '\n;\n-- the end', ' /* ; */'])('may end in %j', async (end) => {
    expect(await fire(rig.action(), rig.plan(`INSERT INTO orders VALUES (1, 'a')${end}`))).toEqual(
      done,
    );
    expect(await notes()).toEqual(['a']);
  });

  test('followed by another is refused, and neither is run', async () => {
    const sql = `INSERT INTO orders VALUES (1, 'a'); INSERT INTO orders VALUES (2, 'b')`;
    expect(await fire(rig.action(), rig.plan(sql))).toEqual({
      kind: 'failed',
      reason: `refused by mysql:127.0.0.1:${rig.server.port}: error 1064 (42000)`,
    });
    expect(await notes()).toEqual([]);
  });

  test('that fails half-way leaves nothing', async () => {
    await rig.query(`CREATE OR REPLACE PROCEDURE shop.half() BEGIN
      INSERT INTO orders VALUES (1, 'a'); SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'; END`);
    const action = rig.action();
    expect(await fire(action, rig.plan('CALL half()'))).toEqual({
      kind: 'failed',
      reason: `refused by mysql:127.0.0.1:${rig.server.port}: error 1644 (45000)`,
    });
    expect(await notes()).toEqual([]);
    expect(await fire(action, rig.plan(`INSERT INTO orders VALUES (1, 'b')`))).toEqual(done);
    expect(await notes()).toEqual(['b']);
  });

  test('may answer with several results, which are dropped', async () => {
    await rig.query(`CREATE OR REPLACE PROCEDURE shop.wordy() BEGIN
      SELECT 1; INSERT INTO orders VALUES (1, 'a'); SELECT NULL, 2 UNION SELECT 3, 4; END`);
    const action = rig.action();
    expect(await fire(action, rig.plan('CALL wordy()'))).toEqual(done);
    expect(await fire(action, rig.plan('SELECT * FROM seq_1_to_1000'))).toEqual(done);
    expect(await notes()).toEqual(['a']);
  });

  test('that answers with more than is read is cut off, and leaves nothing', async () => {
    await rig.query(`CREATE OR REPLACE PROCEDURE shop.endless() BEGIN
      INSERT INTO orders VALUES (1, 'a'); SELECT REPEAT('x', 1000) FROM seq_1_to_1000000; END`);
    const maxResultBytes = 64 * 1024;
    expect(await fire(rig.action({ maxResultBytes }), rig.plan('CALL endless()'))).toEqual({
      kind: 'failed',
      reason: `the answer of mysql:127.0.0.1:${rig.server.port} is longer than 65536 bytes`,
    });
    await until(async () => (await rig.sessions()).length === 0);
    expect(await notes()).toEqual([]);
  });

  test('may answer with 15 MB, not with 20', async () => {
    const answering = (rows: number) =>
      fire(rig.action(), rig.plan(`SELECT REPEAT('x', 1000000) FROM seq_1_to_${rows}`));
    expect(await answering(15)).toEqual(done);
    expect(await answering(20)).toEqual({
      kind: 'failed',
      reason: `the answer of mysql:127.0.0.1:${rig.server.port} is longer than 16777216 bytes`,
    });
  });

  test('never loads a local file', async () => {
    const file = join(await aDirectory(), 'secret');
    writeFileSync(file, '1\tsecret\n');
    const sql = `LOAD DATA LOCAL INFILE '${file}' INTO TABLE orders`;
    expect(await fire(rig.action(), rig.plan(sql))).toMatchObject({ kind: 'failed' });
    expect(await notes()).toEqual([]);
    expect(readFileSync(file, 'utf8')).toBe('1\tsecret\n');
  });

  test.each(['', 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES'])(
    'is told which firing it is, whatever the key holds, under the SQL mode "%s"',
    async (mode) => {
      const [before] = await rig.column('SELECT @@GLOBAL.sql_mode');
      await rig.query(`SET GLOBAL sql_mode = '${mode}'`);
      const key = `it's \\' "x" \n;-- 訂單 😀 ?`;
      const sql = `INSERT INTO orders SELECT @forsun_attempt, CONCAT_WS('|', @forsun_key, @forsun_fire_id, @forsun_timestamp)`;
      const run = { key, fireId: `${key}:7:1700000000`, attempt: 3 };
      const action = rig.action();
      expect(await fire(action, rig.plan(sql), run)).toEqual(done);
      await rig.query(`SET GLOBAL sql_mode = '${String(before)}'`);
      expect(await notes()).toEqual([`${key}|${key}:7:1700000000|1700000000`]);
    },
  );

  test('may compare what it is told with columns of any collation', async () => {
    await rig.query(`CREATE OR REPLACE TABLE shop.words (
      a TEXT COLLATE utf8mb4_unicode_ci, b TEXT COLLATE utf8mb4_general_ci,
      c TEXT COLLATE latin1_swedish_ci, d TEXT COLLATE utf8mb3_bin)`);
    for (const column of ['a', 'b', 'c', 'd']) {
      const sql = `DELETE FROM words WHERE ${column} = @forsun_key`;
      expect(await fire(rig.action(), rig.plan(sql))).toEqual(done);
    }
  });
});

describe('a plan', () => {
  const refusal = (params: Record<string, string>): unknown => {
    try {
      rig.action().prepare(new Map(Object.entries(params)));
      return undefined;
    } catch (error) {
      return error;
    }
  };

  test.each([
    [{}, 'sql', 'is missing'],
    [{ sql: '' }, 'sql', 'is missing'],
    [{ sql: `SELECT '${'x'.repeat(2 ** 24)}'` }, 'sql', 'cannot be used'],
    [{ sql: 'DO 1', host: 'a b' }, 'host', 'is "a b"'],
    [{ sql: 'DO 1', port: '0' }, 'port', 'is "0"'],
    [{ sql: 'DO 1', db: 'shop\0x' }, 'db', 'is "shop\\u0000x"'],
    [{ sql: 'DO 1', user: 'app\0x' }, 'user', 'is "app\\u0000x"'],
    [{ sql: 'DO 1', passwd: 'sesame\0x' }, 'passwd', 'cannot be used'],
    [{ sql: 'DO 1', max_connections: '0' }, 'max_connections', 'is "0"'],
  ])('is refused when it is made with %o', (params, name, came) => {
    expect(refusal(params)).toMatchObject({
      code: 'bad_argument',
      message: expect.stringMatching(`^the param ${name} of the action mysql`) as string,
    });
    expect(String(refusal(params))).toContain(`${came}; expected`);
    expect(String(refusal(params))).not.toContain('sesame');
  });

  describe('that names no password', () => {
    const db = 'shop';
    const sql = 'INSERT INTO orders VALUES (1, USER())';
    const login = { user: 'second', password: 'pass' };
    const settings = () => ({ ...login, host: 'localhost', port: rig.server.port });

    test.each([{}, { host: 'localhost' }, { host: 'LOCALHOST', user: 'second' }])(
      'and the server of the settings, as by %o, has theirs',
      async (params) => {
        expect(await fire(rig.action(settings()), { ...params, db, sql })).toEqual(done);
        expect(await notes()).toEqual(['second@127.0.0.1']);
      },
    );

    test.each([
      ['host', { host: '127.0.0.1' }, {}],
      ['port', {}, { port: 3306 }],
    ])('and another %s has none', async (_, params, change) => {
      const port = String(rig.server.port);
      const plan = { port, ...params, db, sql };
      expect(await fire(rig.action({ ...settings(), ...change }), plan)).toEqual({
        kind: 'failed',
        reason: `refused by mysql:${plan.host ?? 'localhost'}:${port}: error 1045 (28000)`,
      });
    });
  });

  test('may have any character in its database, user and password', async () => {
    const [db, user, passwd] = [`it's \`x\` "y";\n訂 é`, `ann'a\n"訂`, `\n'"\\;--訂 %3D`];
    const quoted = (text: string): string => `'${text.replace(/['\\]/g, '\\$&')}'`;
    await rig.query(`CREATE DATABASE \`${db.replaceAll('`', '``')}\``);
    await rig.query(`CREATE USER ${quoted(user)}@'%' IDENTIFIED BY ${quoted(passwd)}`);
    await rig.query(`GRANT ALL ON *.* TO ${quoted(user)}@'%'`);
    const sql = `INSERT INTO shop.orders SELECT 1, CONCAT(DATABASE(), '|', USER())`;
    expect(await fire(rig.action(), rig.plan(sql, { db, user, passwd }))).toEqual(done);
    expect(await notes()).toEqual([`${db}|${user}@127.0.0.1`]);
    await rig.query(`DROP USER ${quoted(user)}@'%'`);
  });

  test('is of the target that its host and port name, with its own limit of runs', () => {
    const mysql = rig.action();
    const prepare = (params: Record<string, string>) =>
      mysql.prepare(new Map(Object.entries(params)));
    expect(prepare({ sql: 'DO 1' })).toMatchObject({ origin: 'mysql:127.0.0.1:3306' });
    expect(prepare({ sql: 'DO 1' }).maxRuns).toBeUndefined();
    expect(prepare({ sql: 'DO 1', host: '::1', max_connections: '3' })).toMatchObject({
      origin: 'mysql:[::1]:3306',
      maxRuns: 3,
    });
  });
});

describe('a session', () => {
  const action = () => rig.action();
  const note = `INSERT INTO shop.orders (id, note) SELECT COUNT(*), CONNECTION_ID() FROM shop.orders`;

  test('is used again by plans of the same server, database, user and password', async () => {
    const mysql = action();
    for (const sql of [note, `${note} `, note]) {
      expect(await fire(mysql, rig.plan(sql, { max_connections: '3' }))).toEqual(done);
    }
    const [first, ...rest] = await notes();
    expect(rest).toEqual([first, first]);
  });

  test('is another for each run under way', async () => {
    const mysql = action();
    await Promise.all([1, 2, 3].map(() => fire(mysql, rig.plan('DO SLEEP(0.1)'))));
    expect(await rig.sessions()).toHaveLength(3);
  });

  test.each([
    ['host', { host: 'localhost' }],
    ['db', { db: 'other' }],
    ['user', { user: 'second', passwd: 'pass' }],
  ])('is another for another %s', async (_, params) => {
    const mysql = action();
    expect(await fire(mysql, rig.plan(note))).toEqual(done);
    expect(await fire(mysql, rig.plan(note, params))).toEqual(done);
    expect(new Set(await notes()).size).toBe(2);
  });

  test('is never lent to a plan with another password', async () => {
    const mysql = action();
    expect(await fire(mysql, rig.plan(note))).toEqual(done);
    expect(await fire(mysql, rig.plan(note, { passwd: 'guess' }))).toEqual({
      kind: 'failed',
      reason: `refused by mysql:127.0.0.1:${rig.server.port}: error 1045 (28000)`,
    });
    expect(await notes()).toHaveLength(1);
  });

  const leftovers = (): string => `CONCAT_WS('|', DATABASE(), IFNULL(@mine, 'none'), @@sql_mode,
    @@autocommit, IFNULL(IS_USED_LOCK('mine'), 'free'), @@character_set_client,
    @@wait_timeout)`;

  test.each([
    'USE other',
    `SET @mine = 1, sql_mode = 'ANSI'`,
    'SET NAMES latin1',
    `DO GET_LOCK('mine', 1)`,
    'LOCK TABLES orders READ',
    'CREATE TEMPORARY TABLE orders (id INT, note TEXT) SELECT 99 AS id',
    'START TRANSACTION READ ONLY',
    'SET autocommit = 1',
    'SET SESSION wait_timeout = 1',
    `PREPARE mine FROM 'SELECT 1'`,
    'HANDLER orders OPEN',
  ])('is as new for the next run after %s', async (sql) => {
    const mysql = action();
    const tell = `INSERT INTO shop.orders SELECT COUNT(*), ${leftovers()} FROM shop.orders`;
    expect(await fire(mysql, rig.plan(tell))).toEqual(done);
    expect(await fire(mysql, rig.plan(sql))).toEqual(done);
    expect(await fire(mysql, rig.plan(tell))).toEqual(done);
    const [before, after] = await notes();
    expect(after).toBe(before);
    expect(await rig.sessions()).toHaveLength(1);
  });

  test('is ended when it was idle for long enough, with a goodbye to the server', async () => {
    const aborted = `SHOW GLOBAL STATUS LIKE 'Aborted_clients'`;
    const [before] = await rig.query(aborted);
    expect(await fire(rig.action({ idleSeconds: 0.05 }), rig.plan('DO 1'))).toEqual(done);
    await until(async () => (await rig.sessions()).length === 0);
    expect(await rig.query(aborted)).toEqual([before]);
  });

  test('that the server has ended is replaced', async () => {
    const mysql = action();
    expect(await fire(mysql, rig.plan(note))).toEqual(done);
    const [session] = await rig.sessions();
    await rig.query(`KILL ${session}`);
    await until(async () => (await rig.sessions()).length === 0);
    await until(async () => (await fire(mysql, rig.plan(note))).kind === 'done');
    expect(new Set(await notes()).size).toBe(2);
  });
});
