import { describe, expect, test, vi } from 'vitest';

import { eventuallyPasses } from '../support/eventually.ts';
import { aStore, ForsundProcess } from '../support/forsund-process.ts';
import { HttpSink } from '../support/http-sink.ts';

vi.setConfig({ testTimeout: 60_000 });

const http = ['--http', '127.0.0.1:0'];

type Answer = Record<string, unknown>;

async function ask(forsund: ForsundProcess, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${forsund.httpPort}${path}`, init);
  expect(response.status).toBe(200);
  return (await response.json()) as Answer;
}

const put = (forsund: ForsundProcess, plan: object): Promise<Answer> =>
  ask(forsund, '/v1/plan', {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(plan),
  });

describe('a plan made over HTTP', () => {
  test('fires, and is the plan that Thrift knows', async () => {
    const sink = await HttpSink.open();
    const forsund = await ForsundProcess.start({ store: await aStore(), args: http });
    const params = { url: sink.url('/close'), method: 'post', body: 'x' };
    const plan = { key: 'order-17', seconds: 1, count: 1, action: 'http', params };
    const { data } = await put(forsund, plan);
    expect(data).toMatchObject({ key: 'order-17', second: 1, count: 1, is_time_out: true });
    await eventuallyPasses(() => {
      expect(sink.of('order-17')).toMatchObject([{ method: 'POST', url: '/close', body: 'x' }]);
    });
    await eventuallyPasses(async () => {
      expect(await ask(forsund, '/v1/plan?key=order-17')).toMatchObject({ errcode: 1003 });
    });
  });

  test('is refused as over Thrift, and an array with one such leaves all as it was', async () => {
    const forsund = await ForsundProcess.start({ store: await aStore(), args: http });
    const params = { cmd: 'true' };
    await put(forsund, { key: 'a', hour: 5, params });
    const bad = [
      [{ second: 40_000 }, 1002],
      [{ second: 1, action: 'bogus' }, 1006],
      [{ second: 1, params: {} }, 1007],
      [{ second: 1, params: { cmd: 'true', 'forsun.retries': 'x' } }, 1007],
      [{}, 1002],
    ] as const;
    for (const [fields, errcode] of bad) {
      const one = { key: 'b', params, ...fields };
      expect(await put(forsund, one)).toMatchObject({ errcode, data: {} });
      const several = await put(forsund, [{ key: 'a', second: 9, params }, one]);
      expect(several).toMatchObject({ errcode, data: {} });
      expect(several['errmsg']).toContain('plan 2: ');
    }
    const client = forsund.client();
    expect(await client.getKeys('')).toEqual(['a']);
    expect(await client.get('a')).toMatchObject({ hour: 5 });
  });

  test('a second that no plan can have, past or far, is answered with none', async () => {
    const forsund = await ForsundProcess.start({ store: await aStore(), args: http });
    for (const timestamp of ['-1', '0', '281474976710656', '999999999999999']) {
      const answer = await ask(forsund, `/v1/time?timestamp=${timestamp}`);
      expect(answer).toMatchObject({ errcode: 0, data: { plans: [] } });
    }
  });

  test('info tells where the bridge is and what it has served', async () => {
    const forsund = await ForsundProcess.start({ store: await aStore(), args: http });
    await ask(forsund, '/v1/ping');
    expect((await ask(forsund, '/v1/info'))['data']).toMatchObject({
      http_bind_port: `127.0.0.1:${forsund.httpPort}`,
      http_requesting_count: '1',
      http_requested_count: '1',
      http_requested_error_count: '0',
    });
  });
});

test('a port that is taken stops the start, by name', async () => {
  const first = await ForsundProcess.start({ store: await aStore(), args: http });
  const taken = ['--http', `127.0.0.1:${first.httpPort}`];
  const store = await aStore();
  await expect(ForsundProcess.start({ store, args: taken })).rejects.toThrow(/EADDRINUSE|in use/);
});
