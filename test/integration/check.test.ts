import { open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test, vi } from 'vitest';

import { levelFiles } from '../support/database.ts';
import { HttpSink } from '../support/http-sink.ts';
import { aStore, ForsundProcess, runForsund } from '../support/forsund-process.ts';

vi.setConfig({ testTimeout: 60_000 });

const plans = 400;

test('forsund check finds a store sound: one that was stopped, one that was killed', async () => {
  const store = await storeOfPlans('SIGTERM');
  expect(await check(store)).toMatchObject({ code: 0, stderr: '' });
  const forsund = await ForsundProcess.start({ store });
  await forsund.client().createTimeout({ hour: 1, params: { cmd: 'true' } });
  await forsund.kill('SIGKILL');
  expect(await check(store)).toMatchObject({ code: 0, stderr: '' });
  const again = await ForsundProcess.start({ store });
  expect(await again.client().getKeys()).toHaveLength(plans + 1);
});

test('forsund check leaves a store alone that a server has open, and one that is not there', async () => {
  const store = await aStore();
  expect(await check(store)).toMatchObject({ code: 1, stderr: oneLineWith(store) });
  const forsund = await ForsundProcess.start({ store });
  expect(await check(store)).toMatchObject({
    code: 1,
    stderr: oneLineWith(`process ${forsund.pid} has this store open`),
  });
  await forsund.client().ping();
});

test('a damaged store is told by check, with where, and refused by the server, never silently less', async () => {
  const store = await storeOfPlans('SIGKILL');
  const log = (await levelFiles(join(store, 'db'), '.log')).at(-1)!;
  await flip(log, Math.floor((await stat(log)).size / 2));
  const checked = await check(store);
  expect(checked.code).toBe(1);
  expect(checked.stdout).toContain(log);
  const started = await runForsund({ store });
  expect(started.code).toBe(1);
  expect(started.stderr).toMatch(/^forsund: [^\n]*\n$/);
  expect(started.stderr).toContain('forsund check');
  expect((await check(store)).code, 'neither changed it').toBe(1);
});

test.each([
  ['that names its files, lost', (file: string) => rm(file)],
  ['that names its files, garbled', (file: string) => flip(file, 0)],
])('a store with the file %s, is told by check and refused by the server', async (_what, harm) => {
  const store = await storeOfPlans('SIGTERM');
  const [current] = await levelFiles(join(store, 'db'), 'CURRENT');
  await harm(current!);
  expect((await check(store)).code).toBe(1);
  expect(await runForsund({ store })).toMatchObject({ code: 1, stderr: oneLineWith(store) });
});

test('forsund check --repair puts the damaged store aside, whole, tells what is lost, and the rest is served', async () => {
  const sink = await HttpSink.open();
  const store = await storeOfPlans('SIGKILL');
  const log = (await levelFiles(join(store, 'db'), '.log')).at(-1)!;
  await flip(log, Math.floor((await stat(log)).size / 2));
  const damaged = await readFile(log);

  const repaired = await runForsund({ store, command: 'check', args: ['--repair'] });
  expect(repaired).toMatchObject({ code: 0, stderr: '' });
  expect(repaired.stdout).toContain(log);
  const aside = (await readdir(join(store, '..'))).filter((name) => /^store\.damaged-/.test(name));
  expect(aside).toHaveLength(1);
  expect(await readFile(log.replace(store, join(store, '..', aside[0]!)))).toEqual(damaged);
  expect(await check(store)).toMatchObject({ code: 0, stderr: '' });

  const forsund = await ForsundProcess.start({ store });
  const client = forsund.client();
  const kept = await client.getKeys();
  expect(kept.length).toBeGreaterThan(plans / 3);
  expect(kept.length).toBeLessThan(plans);
  expect((await client.info()).get('plan_count')).toBe(String(kept.length));
  await client.createTimeout({
    key: 'new',
    second: 1,
    action: 'http',
    params: { url: sink.url() },
  });
  await sink.until('new', 1);
  const generation = Number(sink.of('new')[0]!.fireId.split(':')[1]);
  expect(generation, 'none is used twice, not one of a lost plan').toBeGreaterThan(plans);
});

/** A store of plans that are due in an hour, whose server has ended so. */
async function storeOfPlans(end: 'SIGTERM' | 'SIGKILL'): Promise<string> {
  const store = await aStore();
  const forsund = await ForsundProcess.start({ store });
  const client = forsund.client();
  const params = { cmd: 'true', pad: 'x'.repeat(500) };
  for (let n = 0; n < plans / 4; n++) {
    const keys = [0, 1, 2, 3].map((part) => `k${n}/${part}`);
    await Promise.all(keys.map((key) => client.createTimeout({ key, hour: 1, params })));
  }
  await forsund.kill(end);
  return store;
}

const check = (store: string) => runForsund({ store, command: 'check' });

const oneLineWith = (text: string): string =>
  expect.stringMatching(
    new RegExp(`^forsund: [^\\n]*${text.replaceAll(/[.+/]/g, '\\$&')}[^\\n]*\\n$`),
  ) as string;

/** Turns over one bit of a byte. */
async function flip(file: string, at: number): Promise<void> {
  const handle = await open(file, 'r+');
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, at);
  buffer[0]! ^= 0x10;
  await handle.write(buffer, 0, 1, at);
  await handle.close();
}
