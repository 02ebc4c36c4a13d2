import { setTimeout as sleep } from 'node:timers/promises';

import { expect, test, vi } from 'vitest';

import { eventuallyPasses } from '../support/eventually.ts';
import { HttpSink } from '../support/http-sink.ts';
import { aNode, aRedis } from '../support/redis-nodes.ts';

vi.setConfig({ testTimeout: 60_000 });

test('a node stopped for longer than its lease loses its firings to others, and settles none of them', async () => {
  const sink = await HttpSink.open();
  const { port } = await aRedis();
  const stopped = await aNode({ port, args: ['--action-http-max-clients', '1'] });
  const client = stopped.client();
  const params = { url: sink.url() };
  await client.createTimeout({ key: 'repeats', second: 1, count: 0, action: 'http', params });
  await sink.until('repeats', 1);
  const keys = ['a', 'b', 'c', 'd'];
  const first = anAnswer();
  sink.answer = ({ key }) => (keys.includes(key) ? first.opened : 200);
  // All are claimed together: one runs, the others wait for it.
  await sleep(1_050 - (Date.now() % 1_000));
  await Promise.all(
    keys.map((key) => client.createTimeout({ key, second: 1, action: 'http', params })),
  );
  const running = (): string | undefined => sink.hits.find(({ key }) => keys.includes(key))?.key;
  await sink.untilSeen(() => running() !== undefined);
  stopped.signal('SIGSTOP');
  const runs = running()!;

  const second = anAnswer();
  sink.answer = ({ key }) => (key === runs ? second.opened : 200);
  const other = await aNode({ port });
  for (const key of keys) {
    const hits = await sink.until(key, key === runs ? 2 : 1);
    expect(hits.at(-1)).toMatchObject({ attempt: 2 });
    expect(new Set(hits.map(({ fireId }) => fireId)).size).toBe(1);
  }

  stopped.signal('SIGCONT');
  await eventuallyPasses(() => expect(stopped.output).toContain('lease_lost'));
  // Its own run ends well, but what the other one has in flight now, only that one settles.
  first.open();
  await sink.until('repeats', sink.of('repeats').length + 3);
  expect(await client.getKeys()).toContain(runs);
  second.open();
  await eventuallyPasses(async () => expect(await client.getKeys()).toEqual(['repeats']));
  for (const key of keys) expect(sink.of(key)).toHaveLength(key === runs ? 2 : 1);

  // It goes on under a new lease.
  await other.kill('SIGTERM');
  const count = sink.of('repeats').length;
  await sink.until('repeats', count + 2);
  const repeats = sink.of('repeats').filter(({ attempt }) => attempt === 1);
  expect(new Set(repeats.map(({ fireTime }) => fireTime)).size).toBe(repeats.length);
});

/** An answer that is held back until it is opened. */
function anAnswer() {
  let open: () => void = () => undefined;
  const opened = new Promise<number>((resolve) => (open = () => resolve(200)));
  return { opened, open: () => open() };
}
