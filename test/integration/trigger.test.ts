import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { describe, expect, test, vi } from 'vitest';

import { eventuallyPasses } from '../support/eventually.ts';
import { aStore, ForsundProcess } from '../support/forsund-process.ts';
import { HttpSink } from '../support/http-sink.ts';
import { mayNotMount } from '../support/may-not-mount.ts';
import { isNightly } from '../support/nightly.ts';
import { aSmallDisk } from '../support/small-disk.ts';

vi.setConfig({ testTimeout: 120_000 });

const http = ['--http', '127.0.0.1:0'];

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function ask(
  forsund: ForsundProcess,
  method: string,
  path: string,
  body?: object,
): Promise<Answer> {
  const sent = {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  };
  const url = `http://127.0.0.1:${forsund.httpPort}/v2/plans/${path}`;
  const response = await fetch(url, { method, ...(body !== undefined && sent) });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

const trigger = (forsund: ForsundProcess, key: string): Promise<Answer> =>
  ask(forsund, 'POST', `${key}:trigger`);

/** A plan whose own due time is far. */
async function putLater(forsund: ForsundProcess, key: string, sink: HttpSink): Promise<void> {
  const params = { url: sink.url() };
  const plan = { schedule: { in: 86_400 }, action: 'http', params };
  expect((await ask(forsund, 'PUT', key, plan)).status).toBe(201);
}

const fireIds = (sink: HttpSink, key: string): readonly (string | undefined)[] =>
  sink.of(key).map(({ headers }) => headers['x-forsun-fire-id']?.toString());

test('law 1: what was answered as triggered fires, though the process is killed on the answer', async () => {
  const sink = await HttpSink.open();
  const store = await aStore();
  let forsund = await ForsundProcess.start({ store, args: http });
  await putLater(forsund, 'k', sink);
  const acknowledged: unknown[] = [];
  for (let n = 0; n < (isNightly ? 100 : 5); n += 1) {
    const { status, body } = await trigger(forsund, 'k');
    await forsund.kill('SIGKILL');
    expect(status).toBe(202);
    acknowledged.push(body['fire_id']);
    forsund = await ForsundProcess.start({ store, args: http });
    await eventuallyPasses(() => expect(fireIds(sink, 'k')).toContain(body['fire_id']));
  }
  expect(new Set(fireIds(sink, 'k'))).toEqual(new Set(acknowledged));
  const { body } = await ask(forsund, 'GET', 'k');
  expect(body).toMatchObject({ schedule: { every: 86_400, count: 1 }, fired_count: 0 });
});

describe.skipIf(mayNotMount)('on a full disk', () => {
  test.each([
    ['with a reserve', '2M'],
    ['without one', '0'],
  ])(
    '%s: a trigger is answered 503, and what was not answered so fires once there is room',
    async (_name, reserve) => {
      const disk = await aSmallDisk(24);
      const sink = await HttpSink.open();
      const forsund = await ForsundProcess.start({
        store: join(disk.directory, 'store'),
        args: [...http, '--store-mem-reserve', reserve],
      });
      await putLater(forsund, 'k', sink);
      await disk.fill();
      const acknowledged = new Set<unknown>();
      let refused: Answer | undefined;
      while (refused === undefined) {
        const answer = await trigger(forsund, 'k');
        if (answer.status === 503) refused = answer;
        else if (answer.status === 202) acknowledged.add(answer.body['fire_id']);
        else expect(answer.status).toBe(409);
      }
      expect(refused.body).toMatchObject({ code: 1004, name: 'plan_not_stored' });
      await sleep(1_500);
      expect(await trigger(forsund, 'k')).toMatchObject({ status: 503 });

      await disk.empty();
      await eventuallyPasses(async () => {
        const { status, body } = await trigger(forsund, 'k');
        expect(status).toBe(202);
        acknowledged.add(body['fire_id']);
      });
      await eventuallyPasses(() =>
        expect(fireIds(sink, 'k')).toEqual(expect.arrayContaining([...acknowledged])),
      );
      await eventuallyPasses(async () => {
        const { body } = await ask(forsund, 'GET', 'k');
        expect(body).toMatchObject({ unfinished: [], fired_count: 0 });
      });
      expect(new Set(fireIds(sink, 'k')).size).toBe(fireIds(sink, 'k').length);
    },
  );
});
