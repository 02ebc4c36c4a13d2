import { expect, test } from 'vitest';

import { eventually } from '../support/eventually.ts';
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
