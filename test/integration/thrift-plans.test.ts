import { expect, test } from 'vitest';

import { eventually, eventuallyPasses } from '../support/eventually.ts';
import { aStore, ForsundProcess } from '../support/forsund-process.ts';
import { aNodeReceiver } from '../support/thrift-receivers.ts';

test('a plan calls a stock Thrift server when it is due, each time under a fire id of its own', async () => {
  const { port, calls } = await aNodeReceiver('framed', 'compact');
  const forsund = await ForsundProcess.start({
    store: await aStore(),
    args: ['--log-level=debug'],
  });
  const params = {
    port: String(port),
    framed: 'true',
    protocol: 'compact',
    order: `it's 42 ✓\r\n`,
  };
  const plan = await forsund
    .client()
    .createTimeout({ key: 'a', second: 1, count: 2, action: 'thrift', params });
  await eventually(() => calls.length === 2);
  const first = plan.nextFireTime;
  expect(calls).toMatchObject([
    { key: 'a', ts: first, params: { ...params, 'forsun.attempt': '1' } },
    { key: 'a', ts: first === undefined ? first : first + 1, params },
  ]);
  expect(new Set(calls.map((call) => call.params['forsun.fire_id']))).toHaveProperty('size', 2);
  await eventually(() => forsund.output.includes('thrift_answered'));
  expect(forsund.output).not.toContain("it's 42");
});

test('a receiver gets as many calls at once as max_connections says, and all of them', async () => {
  let most = 0;
  const held = new Set<() => void>();
  const { port, calls } = await aNodeReceiver('buffered', 'binary', () => {
    return new Promise((resolve) => {
      held.add(resolve);
      most = Math.max(most, held.size);
    });
  });
  const forsund = await ForsundProcess.start({ store: await aStore() });
  const params = { port: String(port), max_connections: '2' };
  const client = forsund.client();
  const plan = { second: 2, action: 'thrift', params };
  await Promise.all(
    Array.from({ length: 12 }, (_, n) => client.createTimeout({ ...plan, key: `k${n}` })),
  );
  for (let answered = 0; answered < 12; answered += 2) {
    await eventually(() => held.size === 2);
    for (const reply of held) reply();
    held.clear();
  }
  await eventuallyPasses(async () => expect(await client.getKeys('')).toEqual([]));
  expect([most, calls.length]).toEqual([2, 12]);
});
