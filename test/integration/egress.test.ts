import { expect, onTestFinished, test, vi } from 'vitest';

import { Sink } from '../actions/sink.ts';
import { eventuallyPasses } from '../support/eventually.ts';
import { aStore, ForsundProcess } from '../support/forsund-process.ts';

vi.setConfig({ testTimeout: 60_000 });

const once = { second: 0, count: 1, action: 'http' };

test('no plan reaches a port that forsund itself listens on', async () => {
  const forsund = await ForsundProcess.start({
    store: await aStore(),
    args: ['--http', '127.0.0.1:0'],
  });
  const client = forsund.client();
  const bridge = (await client.info()).get('http_bind_port')?.split(':').at(-1) ?? '';
  expect(bridge).toMatch(/^\d+$/);
  for (const port of [String(forsund.port), bridge]) {
    const params = { url: `http://127.0.0.1:${port}/` };
    await expect(client.createTimeout({ key: 'made', ...once, params })).rejects.toThrow(
      `the param url of the action http leads where no plan may connect: port ${port} is forsund's own`,
    );
    await client.createTimeout({
      key: port,
      ...once,
      params: { url: `http://localhost:${port}/` },
    });
  }
  await eventuallyPasses(async () => {
    expect((await client.getFailures()).map(({ key, attempts }) => [key, attempts])).toEqual(
      expect.arrayContaining([
        [String(forsund.port), 1],
        [bridge, 1],
      ]),
    );
  });
  for (const { key, reason } of await client.getFailures()) {
    expect(reason).toBe(`http://localhost:${key} is out of reach: port ${key} is forsund's own`);
  }
});

test('a plan that was made before its target was closed fails, once', async () => {
  const sink = await Sink.open();
  onTestFinished(() => sink.close());
  const store = await aStore();
  const before = await ForsundProcess.start({ store });
  const params = { url: `${sink.url}/?token=s3cret` };
  await before.client().createTimeout({ key: 'k', ...once, second: 2, params });
  await before.kill('SIGKILL');
  const args = ['--egress-deny', '127.0.0.0/16', '--egress-deny', '10.0.0.0/8'];
  const client = (await ForsundProcess.start({ store, args })).client();
  await eventuallyPasses(async () => {
    const [failure] = await client.getFailures();
    expect(failure?.attempts).toBe(1);
    expect(failure?.reason).toContain('--egress-deny has 127.0.0.1');
    expect(failure?.reason).not.toContain('s3cret');
  });
  expect(sink.received).toEqual([]);
});
