import { expect, test } from 'vitest';

import { BeanstalkServer } from '../support/beanstalk-server.ts';
import { eventually, eventuallyPasses } from '../support/eventually.ts';
import { aStore, ForsundProcess } from '../support/forsund-process.ts';

test('a plan puts its job into the tube of a real beanstalkd when it is due', async () => {
  const server = await BeanstalkServer.start();
  const forsund = await ForsundProcess.start({
    store: await aStore(),
    args: ['--log-level=debug'],
  });
  const body = `{"close": "order:42", "say": "it's ✓\r\n"}`;
  const params = { port: String(server.port), name: 'orders', body, ttr: '60' };
  await forsund.client().createTimeout({ key: 'a', second: 1, action: 'beanstalk', params });
  const job = await eventuallyPasses(() => server.nextJob('orders'));
  expect(job).toEqual({ body: Buffer.from(body), priority: 2 ** 31, delay: 0, ttr: 60 });
  await eventually(() => forsund.output.includes('beanstalk_answered'));
  expect(forsund.output).not.toContain('close');
});

test('a plan without a body is refused when it is made', async () => {
  const forsund = await ForsundProcess.start({ store: await aStore() });
  await expect(
    forsund.client().createTimeout({ second: 1, action: 'beanstalk', params: { name: 'orders' } }),
  ).rejects.toThrow('the param body of the action beanstalk is missing');
});
