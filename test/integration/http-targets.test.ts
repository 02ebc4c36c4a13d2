import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';

import { expect, onTestFinished, test, vi } from 'vitest';

import { RawServer, Sink } from '../actions/sink.ts';
import { eventuallyPasses } from '../support/eventually.ts';
import { aStore, ForsundProcess } from '../support/forsund-process.ts';
import { HttpSink } from '../support/http-sink.ts';
import { isNightly } from '../support/nightly.ts';

vi.setConfig({ testTimeout: 120_000 });

/** A failed attempt is made again a second later. */
const soon = ['--action-retry-delay-seconds', '1', '--action-retry-delay-rate', '0'];

test('what may pass is tried again until it has passed, visibly, and keeps nobody else waiting', async () => {
  const healthy = await HttpSink.open();
  const sick = await aSink();
  const comings = new Map<string, number[]>();
  sick.answer = (response, { path, headers }) => {
    comings.set(path, [...(comings.get(path) ?? []), Date.now()]);
    if (headers['x-forsun-attempt'] === '3') response.end();
    else if (path === '/reset') response.destroy();
    else if (path !== '/silent') {
      response.writeHead(Number(path.slice(1)), { 'Retry-After': '3' }).end();
    }
  };
  const forsund = await ForsundProcess.start({ store: await aStore(), args: soon });
  const client = forsund.client();
  const url = healthy.url();
  const always = { key: 'healthy', second: 1, count: 0 };
  await client.createTimeout({ ...always, action: 'http', params: { url } });
  const paths = ['/500', '/503', '/429', '/408', '/reset', '/silent'];
  for (const path of paths) {
    const params = { url: `${sick.url}${path}`, request_timeout: path === '/silent' ? '2' : '60' };
    await client.createTimeout({ key: path, second: 0, action: 'http', params });
  }
  await eventuallyPasses(async () => expect((await client.get('/503')).status).toBe(-1));
  await eventuallyPasses(async () => expect(await client.getKeys()).toEqual(['healthy']));

  for (const path of paths) expect(comings.get(path)).toHaveLength(3);
  for (const path of ['/503', '/429']) {
    const [first = 0, second = 0, third = 0] = comings.get(path) ?? [];
    // Asked to stay away for 3 s; counted in whole seconds, of which the first may have begun before.
    expect(Math.min(second - first, third - second)).toBeGreaterThan(2_000);
  }
  const info = await client.info();
  expect(info.get('action_retried_count')).toBe(String(2 * paths.length));
  expect(info.get('action_executed_error_count')).toBe('0');
  await client.remove('healthy');
  const [begin] = healthy.hits;
  expect(healthy.hits.map(({ fireTime, attempt }) => [fireTime, attempt])).toEqual(
    healthy.hits.map((_, n) => [begin!.fireTime + n, 1]),
  );
});

test('a server that is away, dies with the request in its hands, and comes back gets it in the end', async () => {
  const gone = await aSink();
  const { port, url } = gone;
  await gone.close();
  const forsund = await ForsundProcess.start({ store: await aStore(), args: soon });
  const client = forsund.client();
  const params = { url, 'forsun.retries': '100' };
  await client.createTimeout({ key: 'k', second: 0, action: 'http', params });
  await eventuallyPasses(async () => expect((await client.get('k')).status).toBe(-1));
  const fireIdOf = `request.headers['x-forsun-fire-id']`;
  const mortal = aServerProcess(
    port,
    `console.log(${fireIdOf}); process.kill(process.pid, 'SIGKILL')`,
  );
  expect(await mortal.exited).toBe('SIGKILL');
  const heir = aServerProcess(port, `console.log(${fireIdOf}); response.end()`);
  await eventuallyPasses(async () => expect(await client.getKeys()).toEqual([]));
  expect(heir.output()).toMatch(/^k:\d+:\d+\n$/);
  expect(mortal.output()).toBe(heir.output());
  expect(forsund.output).toContain(`no answer from ${url}: ECONNREFUSED`);
});

test('many that failed together come back without a herd', async () => {
  const sink = await aSink();
  let [now, most] = [0, 0];
  sink.answer = (response, { headers }) => {
    most = Math.max(most, ++now);
    setTimeout(() => {
      now--;
      response.writeHead(headers['x-forsun-attempt'] === '1' ? 503 : 200).end();
    }, 50);
  };
  const forsund = await ForsundProcess.start({ store: await aStore(), args: soon });
  const client = forsund.client();
  const keys = Array.from({ length: 300 }, (_, n) => `k${n}`);
  const params = { url: sink.url };
  await Promise.all(
    keys.map((key) => client.createTimeout({ key, second: 1, action: 'http', params })),
  );
  await eventuallyPasses(async () => expect(await client.getKeys()).toEqual([]));
  expect(sink.received).toHaveLength(600);
  expect(most).toBeLessThanOrEqual(64);
});

test('targets that cannot be believed or understood cost neither memory nor sockets', async () => {
  const count = isNightly ? 10_000 : 400;
  const certificate = readFileSync('test/actions/fixtures/localhost.pem', 'utf8');
  const untrusted = createServer({ key: certificate, cert: certificate });
  await new Promise<void>((resolve) => untrusted.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise((resolve) => void untrusted.close(() => resolve())));
  const endless = await RawServer.open((socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    const more = (): void => {
      while (!socket.destroyed && socket.write(Buffer.alloc(65_536)));
    };
    socket.on('drain', more);
    more();
  });
  onTestFinished(() => endless.close());
  const garbage = await RawServer.open((socket) => socket.end('220 smtp ready\r\n'));
  onTestFinished(() => garbage.close());
  const urls = [
    `https://localhost:${(untrusted.address() as AddressInfo).port}/`,
    endless.url,
    garbage.url,
  ];

  const forsund = await ForsundProcess.start({
    store: await aStore(),
    args: ['--action-retry-max-count', '0'],
  });
  const client = forsund.client();
  const sockets = (): number => readdirSync(`/proc/${forsund.pid}/fd`).length;
  const memory = async (): Promise<number> => Number((await client.info()).get('mem_rss'));
  const fire = async (plans: number): Promise<number> => {
    let highest = 0;
    const keys = Array.from({ length: plans }, (_, n) => `k${n}`);
    await Promise.all(
      keys.map((key, n) => {
        const params = { url: urls[n % urls.length]! };
        return client.createTimeout({ key, second: 0, action: 'http', params });
      }),
    );
    while ((await client.info()).get('plan_count') !== '0') {
      highest = Math.max(highest, await memory());
    }
    return highest;
  };
  await fire(100);
  const [memoryBefore, socketsBefore] = [await memory(), sockets()];
  const highest = await fire(count);
  expect((await client.info()).get('action_executed_count')).toBe(String(100 + count));
  await eventuallyPasses(() => expect(sockets()).toBeLessThanOrEqual(socketsBefore + 5));
  expect(highest - memoryBefore).toBeLessThan(128 * 2 ** 20);
});

async function aSink(): Promise<Sink> {
  const sink = await Sink.open();
  onTestFinished(() => sink.close());
  return sink;
}

/** A server in a process of its own that does so with each request. */
function aServerProcess(port: number, answer: string) {
  const code = `require('http').createServer((request, response) => { ${answer} }).listen(${port}, '127.0.0.1')`;
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const exited = once(child, 'close').then(([, signal]) => signal as NodeJS.Signals | null);
  return { exited, output: () => output };
}
