import { symlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { readFileSync } from 'node:fs';

import { describe, expect, onTestFinished, test } from 'vitest';

import type { ForsunClient } from '../../src/client/forsun-client.ts';
import { eventually, eventuallyPasses } from '../support/eventually.ts';
import { anExtensionPath } from '../support/extension-path.ts';
import { aStore, ForsundProcess } from '../support/forsund-process.ts';
import { PostgresServer } from '../support/postgres.ts';

type Params = Readonly<Record<string, string>>;

/** A forsund that has the extension as a user would, with pg installed beside it. */
async function aForsund(...args: readonly string[]): Promise<ForsundProcess> {
  const source = readFileSync('examples/extensions/postgres.mjs', 'utf8');
  const path = await anExtensionPath({ 'postgres.mjs': source });
  await symlink(resolve('node_modules'), join(dirname(path), 'node_modules'));
  return ForsundProcess.start({
    store: await aStore(),
    args: ['--extension-path', path, '--extension', 'postgres', ...args],
  });
}

const soon = (client: ForsunClient, key: string, params: Params) =>
  client.createTimeout({ key, second: 1, count: 1, action: 'postgres', params });

const failures = ({ output }: ForsundProcess, event = 'firing_failed'): readonly string[] =>
  [...output.matchAll(new RegExp(`${event} .*`, 'g'))].map(([line]) => line);

describe('examples/extensions/postgres.mjs', () => {
  test('notifies, and inserts what was bound, with the facts of the firing', async () => {
    const [server, forsund] = [await PostgresServer.start(), await aForsund()];
    const target = { port: String(server.port), password: server.password };
    const listener = await server.client();
    onTestFinished(() => listener.end());
    const heard: (string | undefined)[] = [];
    listener.on('notification', ({ channel, payload }) => heard.push(channel, payload));
    await listener.query('LISTEN "ö 1"');
    await listener.query('CREATE TABLE fired (id text UNIQUE, key text, at bigint, said text)');

    const client = forsund.client();
    const channel = 'ö 1';
    const hostile = `'); DROP TABLE fired; --\n"$1" ☃`;
    await soon(client, 'notify', { ...target, channel, payload: hostile });
    const insert = `INSERT INTO fired SELECT current_setting('forsun.fire_id'),
      current_setting('forsun.key'), current_setting('forsun.fire_time')::bigint, $1 || $2::int`;
    const plan = await soon(client, "in'sert", {
      ...{ ...target, sql: insert, args: JSON.stringify([hostile, 7]) },
    });
    await soon(client, 'many', { ...target, sql: 'SELECT generate_series(1, 200000)' });

    const due = plan.nextFireTime;
    await eventuallyPasses(async () => {
      const { rows } = await listener.query('SELECT * FROM fired');
      const id = expect.stringMatching(new RegExp(`^in'sert:\\d+:${due}$`)) as string;
      expect(rows).toEqual([{ id, key: "in'sert", at: String(due), said: `${hostile}7` }]);
    });
    await eventually(() => heard.length > 0);
    expect(heard).toEqual([channel, hostile]);
    await eventuallyPasses(async () => {
      expect((await client.info()).get('action_executed_count')).toBe('3');
    });
    expect(failures(forsund)).toEqual([]);

    // Both went over connections that are kept, and no more of them than had to be.
    const { rows } = await listener.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'forsun'`,
    );
    expect(rows[0]!.n).toBeGreaterThan(0);
    expect(rows[0]!.n).toBeLessThanOrEqual(3);
    expect(await forsund.kill('SIGTERM')).toMatchObject({ code: 0 });
  });

  test('tells what the database refuses from what may pass, and no secrets', async () => {
    const [server, forsund] = [await PostgresServer.start(), await aForsund()];
    const client = forsund.client();
    const port = String(server.port);
    const target = { port, password: server.password };
    await soon(client, 'no-table', { ...target, sql: 'SELECT * FROM absent' });
    await soon(client, 'two', { ...target, sql: 'SELECT 1; SELECT 2' });
    await soon(client, 'value', { ...target, sql: 'SELECT $1::int', args: '["top-secret"]' });
    await soon(client, 'password', { port, password: 'top-secret', sql: 'SELECT 1' });
    await soon(client, 'no-password', { port, sql: 'SELECT 1' });
    await soon(client, 'lost', {
      ...{ ...target, 'forsun.retries': '0' },
      sql: 'SELECT pg_terminate_backend(pg_backend_pid())',
    });
    await soon(client, 'nobody', { port: '1', sql: 'SELECT 1', 'forsun.retries': '0' });
    await soon(client, 'division', { ...target, sql: 'SELECT 1/(1-1)' });
    await eventually(() => failures(forsund).length === 8);
    const reasons = failures(forsund).map((line) => {
      const [, key, reason] = /key=(\S+) .*reason="(.*)"/.exec(line) ?? [];
      return [key, reason?.replaceAll(port, 'PORT')];
    });
    const said = (reason: string) => `refused by postgres:127.0.0.1:PORT: SQLSTATE ${reason}`;
    expect(Object.fromEntries(reasons)).toEqual({
      'no-table': said('42P01'),
      two: said('42601'),
      value: said('22P02'),
      password: said('28P01'),
      'no-password': 'refused by postgres:127.0.0.1:PORT: it takes no login with these params',
      lost: 'postgres:127.0.0.1:PORT: SQLSTATE 57P01',
      nobody: 'no answer from postgres:127.0.0.1:1: ECONNREFUSED',
      division: said('22012'),
    });
    expect(forsund.output).not.toContain('top-secret');
  });

  test('tries again when the server was away, over a new connection', async () => {
    const args = ['--action-retry-delay-seconds', '1', '--action-retry-delay-rate', '0'];
    const [server, forsund] = [await PostgresServer.start(), await aForsund(...args)];
    const client = forsund.client();
    const target = { port: String(server.port), password: server.password };
    const create = 'CREATE TABLE fired (id text)';
    await soon(client, 'table', { ...target, sql: create });
    await eventuallyPasses(async () => {
      expect((await client.info()).get('action_executed_count')).toBe('1');
    });
    await server.crash();
    const sql = `INSERT INTO fired VALUES (current_setting('forsun.attempt'))`;
    await soon(client, 'insert', { ...target, sql, 'forsun.retries': '20' });
    await eventually(() => failures(forsund, 'attempt_failed').length > 0);
    await server.up();
    const reader = await server.client();
    onTestFinished(() => reader.end());
    await eventuallyPasses(async () => {
      expect((await reader.query('SELECT id::int > 1 AS again FROM fired')).rows).toEqual([
        { again: true },
      ]);
    });
  });

  test('cuts a statement at the deadline of its plan', async () => {
    const [server, forsund] = [await PostgresServer.start(), await aForsund()];
    const target = { port: String(server.port), password: server.password };
    await soon(forsund.client(), 'slow', {
      ...{ ...target, sql: 'SELECT pg_sleep(600)' },
      ...{ 'forsun.timeout': '1', 'forsun.retries': '0' },
    });
    await eventually(() => failures(forsund).length === 1);
    expect(failures(forsund)[0]).toContain('not done within its deadline of 1 s');
  });

  test('refuses params that cannot run when the plan is made', async () => {
    const client = (await aForsund()).client();
    const sql = 'SELECT 1';
    const refusals: readonly (readonly [param: string, params: Params])[] = [
      ['channel', {}],
      ['channel', { channel: 'a', sql }],
      ['channel', { channel: 'ä'.repeat(32) }],
      ['args', { sql, args: '{}' }],
      ['args', { sql, args: '[{}]' }],
      ['args', { sql, args: '[' }],
      ['port', { sql, port: '0' }],
      ['ssl', { sql, ssl: 'maybe' }],
    ];
    for (const [param, params] of refusals) {
      await expect(soon(client, 'a', params)).rejects.toMatchObject({
        code: 1007,
        message: expect.stringContaining(`the param ${param} of the action postgres`) as string,
      });
    }
  });
});
