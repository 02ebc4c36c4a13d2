import { expect, test } from 'vitest';

import { MySQLRig, password } from '../actions/mysql-rig.ts';
import { eventuallyPasses } from '../support/eventually.ts';
import { aStore, ForsundProcess } from '../support/forsund-process.ts';

const rig = new MySQLRig();

test('law 9: a mysql plan does its work or is listed among the failures, and no log tells what it holds', async () => {
  await rig.query('CREATE TABLE shop.orders (fire_id VARCHAR(700) PRIMARY KEY, state TEXT)');
  const forsund = await ForsundProcess.start({
    store: await aStore(),
    args: ['--log-level', 'debug'],
    env: {
      FORSUN_ACTION_MYSQL_PORT: String(rig.server.port),
      FORSUN_ACTION_MYSQL_USER: 'app',
      FORSUN_ACTION_MYSQL_PASSWD: password,
    },
  });
  const client = forsund.client();
  const params = { db: 'shop' };
  const make = (key: string, sql: string) =>
    client.createTimeout({ key, second: 1, action: 'mysql', params: { ...params, sql } });
  const paid = `INSERT INTO orders VALUES (@forsun_fire_id, 'sesame')`;
  const { nextFireTime } = await make(`it's "1" é`, paid);
  await make('refused', `INSERT INTO orders VALUES ('sesame')`);
  const [failure] = await eventuallyPasses(async () => {
    const failures = await client.getFailures();
    expect(failures).toHaveLength(1);
    return failures;
  });
  expect(failure).toMatchObject({
    key: 'refused',
    reason: `refused by mysql:127.0.0.1:${rig.server.port}: error 1136 (21S01)`,
  });
  await eventuallyPasses(async () => {
    const [order] = await rig.query('SELECT * FROM shop.orders');
    expect(order).toMatchObject({ state: 'sesame' });
    expect(order?.['fire_id']).toMatch(new RegExp(`^it's "1" é:\\d+:${nextFireTime}$`));
  });
  expect(forsund.output).not.toMatch(/sesame|s3cret/);
  await forsund.kill('SIGTERM');
});

test('law 7: no more statements of plans with one max_connections are under way at once than it says', async () => {
  await rig.query('CREATE TABLE shop.seen (at_once INT, slept INT)');
  const forsund = await ForsundProcess.start({ store: await aStore() });
  const sql = `INSERT INTO seen SELECT COUNT(*), SLEEP(0.05) FROM information_schema.processlist
    WHERE user = 'app' AND command = 'Query'`;
  const params = rig.plan(sql, { max_connections: '2' });
  for (let n = 0; n < 12; n += 1) {
    await forsund.client().createTimeout({ key: `seen${n}`, second: 1, action: 'mysql', params });
  }
  await eventuallyPasses(async () => {
    expect(await rig.column('SELECT at_once FROM shop.seen')).toHaveLength(12);
  });
  const [most] = await rig.column('SELECT MAX(at_once) FROM shop.seen');
  expect(most).toBeLessThanOrEqual(2);
  expect((await rig.sessions()).length).toBeLessThanOrEqual(2);
  await forsund.kill('SIGTERM');
});
