import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect, test, vi } from 'vitest';

import { aDirectory } from '../support/database.ts';
import { eventually, eventuallyPasses } from '../support/eventually.ts';
import { aStore, type Exit, ForsundProcess, runForsund } from '../support/forsund-process.ts';
import { HttpSink } from '../support/http-sink.ts';
import { isNightly } from '../support/nightly.ts';

vi.setConfig({ testTimeout: 60_000 });

/** The default of 8 s at night. */
const grace = isNightly ? [] : ['--stop-grace', '2'];

test('SIGTERM takes in nothing new, lets runs end, cuts the rest, and the next start makes good for it', async () => {
  const sink = await HttpSink.open();
  const slow = await HttpSink.open();
  const store = await aStore();
  const marks = join(await aDirectory(), 'marks');
  const args = [...grace, '--action-http-max-clients', '1'];
  const forsund = await ForsundProcess.start({ store, args });
  const client = forsund.client();
  const make = (key: string, url: string): Promise<unknown> =>
    client.createTimeout({ key, second: 0, action: 'http', params: { url } });
  let release = (_status: number): void => undefined;
  const held = new Promise<number>((resolve) => (release = resolve));
  sink.answer = () => held;
  slow.answer = ({ key, attempt }) =>
    key === 'is cut' && attempt === 1 ? new Promise(() => undefined) : 200;
  const long = `sleep 40.${process.pid}`; // told from the same test of another run
  const cmd = `echo "$FORSUN_KEY $FORSUN_ATTEMPT" >> ${marks}; [ $FORSUN_ATTEMPT = 2 ] || { trap '' TERM; ${long} & ${long}; }`;
  await client.createTimeout({ key: 'deaf', second: 0, params: { cmd } });
  await make('ends in time', sink.url());
  await make('is cut', slow.url());
  await sink.until('ends in time', 1);
  await slow.until('is cut', 1);
  await make('has not started', slow.url());
  await client.createTimeout({ key: 'far', hour: 1, params: { cmd } });
  await eventuallyPasses(async () => {
    expect(await client.get('has not started')).toMatchObject({ running: 1 });
  });
  await eventually(() => processes(long).length === 3);

  forsund.signal('SIGTERM');
  await eventuallyPasses(() => expect(isListening(forsund.port)).resolves.toBe(false));
  await expect(client.ping()).rejects.toMatchObject({ name: 'ForsunConnectionError' });
  release(200);
  expect(await forsund.exited).toEqual({ code: 0, signal: null });
  await eventually(() => processes(long).length === 0); // SIGKILL takes its moment
  expect(forsund.output).toMatch(/INFO stopped\n$/);

  const again = await ForsundProcess.start({ store, args });
  const clientAgain = again.client();
  await eventuallyPasses(async () => expect(await clientAgain.getKeys()).toEqual(['far']));
  const attempts = [...sink.hits, ...slow.hits].map(({ key, attempt }) => `${key} ${attempt}`);
  expect(attempts.sort()).toEqual([
    ...['ends in time 1', 'has not started 1', 'is cut 1', 'is cut 2'],
  ]);
  expect(readFileSync(marks, 'utf8')).toBe('deaf 1\ndeaf 2\n');
});

test('SIGTERM in a burst loses nothing, doubles only what it cut, and ends with 0', async () => {
  const sink = await HttpSink.open();
  const store = await aStore();
  const plans = 2_000;
  let forsund = await ForsundProcess.start({ store, args: grace });
  const client = forsund.client();
  const params = { url: sink.url() };
  await Promise.all(
    Array.from({ length: plans }, (_, n) =>
      client.createTimeout({ key: `k${n}`, second: 3, action: 'http', params }),
    ),
  );
  await sink.untilSeen(() => sink.hits.length > 100);
  for (let stops = 0; stops < 3; stops++) {
    expect(await forsund.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    forsund = await ForsundProcess.start({ store, args: grace });
    await sleep(100);
  }
  await eventuallyPasses(async () => expect(await forsund.client().getKeys()).toEqual([]));
  const fireIds = sink.hits.map(({ fireId }) => fireId);
  expect([new Set(fireIds).size, fireIds.length]).toEqual([plans, plans]);
  expect(sink.hits.filter(({ attempt }) => attempt !== 1)).toEqual([]);
});

test('a second signal ends it at once; nothing acknowledged is lost by that', async () => {
  const sink = await HttpSink.open();
  const store = await aStore();
  // Longer than this test may take: what ends in time was not waited for.
  const forsund = await ForsundProcess.start({ store, args: ['--stop-grace', '3600'] });
  sink.answer = ({ attempt }) => (attempt === 1 ? new Promise(() => undefined) : 200);
  const params = { url: sink.url() };
  await forsund.client().createTimeout({ key: 'k', second: 0, action: 'http', params });
  await sink.until('k', 1);
  forsund.signal('SIGTERM');
  await eventuallyPasses(() => expect(forsund.output).toContain('stopping'));
  expect(await signalledAgain(forsund)).toEqual({ code: 143, signal: null });
  await ForsundProcess.start({ store });
  expect((await sink.until('k', 2)).map(({ attempt }) => attempt)).toEqual([1, 2]);
});

test('a second server on the same store is refused at once, by name, and harms nothing', async () => {
  const store = await aStore();
  const forsund = await ForsundProcess.start({ store });
  await forsund.client().createTimeout({ key: 'k', hour: 1, params: { cmd: 'true' } });
  const second = await runForsund({ store });
  expect(second.code).toBe(1);
  expect(second.stderr).toBe(
    `forsund: ${store}: process ${forsund.pid} has this store open; stop it first, or name another directory\n`,
  );
  expect(await forsund.client().getKeys()).toEqual(['k']);
  await forsund.kill('SIGKILL');
  const heir = await ForsundProcess.start({ store });
  expect(await heir.client().getKeys()).toEqual(['k']);
});

test('a port in use is one line and exit code 1, and the store is free again', async () => {
  const first = await ForsundProcess.start({ store: await aStore() });
  const store = await aStore();
  const second = await runForsund({ store, args: ['--port', String(first.port)] });
  expect(second.code).toBe(1);
  expect(second.stderr).toMatch(/^forsund: [^\n]*\n$/);
  expect(second.stderr).toContain(String(first.port));
  await ForsundProcess.start({ store });
});

test('SIGHUP opens the log anew after it was moved away, and serves on', async () => {
  const log = join(await aDirectory(), 'forsun.log');
  const forsund = await ForsundProcess.start({
    store: await aStore(),
    args: ['--log', log],
  });
  renameSync(log, `${log}.1`);
  forsund.signal('SIGHUP');
  await eventually(() => existsSync(log) && readFileSync(log, 'utf8').includes('log_reopened'));
  await forsund.client().ping();
  await forsund.kill('SIGTERM');
  expect(readFileSync(`${log}.1`, 'utf8')).toContain('listening');
  expect(readFileSync(log, 'utf8')).toMatch(/stopping signal=SIGTERM\n.*stopped\n$/);
});

/** Sends SIGTERM until it ends: one that comes too soon after the first is no second one. */
async function signalledAgain(forsund: ForsundProcess): Promise<Exit> {
  const again = setInterval(() => forsund.signal('SIGTERM'), 400);
  return forsund.exited.finally(() => clearInterval(again));
}

const isListening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

/** Command lines of live processes that hold the text. */
const processes = (text: string): readonly string[] =>
  execFileSync('ps', ['-eo', 'stat=,args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(text) && !line.startsWith('Z'));
