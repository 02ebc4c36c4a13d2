import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { describe, expect, test } from 'vitest';

import journal, { openJournalStore } from '../../examples/extensions/journal.mjs';
import type { ForsunClient } from '../../src/client/forsun-client.ts';
import { type Log, silentLog } from '../../src/core/log.ts';
import { defaultPolicy } from '../../src/core/policy.ts';
import { type Clock, unixSeconds } from '../../src/core/time.ts';
import { Counters } from '../../src/metrics/counters.ts';
import type { ExtensionHost } from '../../src/extensions/extension.ts';
import type { Store } from '../../src/stores/store.ts';
import { describeStore, type PlaceOptions, room, type StorePlace } from '../contract/store.ts';
import { describeStoreModel } from '../contract/store-model.ts';
import { aDirectory } from '../support/database.ts';
import { eventually, eventuallyPasses } from '../support/eventually.ts';
import { anExtensionPath } from '../support/extension-path.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { aStore, type ForsundOptions, ForsundProcess } from '../support/forsund-process.ts';
import { RecordedLog } from '../support/recorded-log.ts';
import { aDraft, T0 } from '../support/plans.ts';

const openIn = (
  file: string,
  clock: Clock,
  options: PlaceOptions,
  log: Log = silentLog,
): Promise<Store> =>
  openJournalStore(file, {
    ...{ clock, log, counters: new Counters(), policy: defaultPolicy },
    random: () => 0.5,
    onFatal: (error) => {
      throw error;
    },
    ...{ failuresKept: 10_000, ...options },
  });

async function aPlace(): Promise<StorePlace> {
  const directory = await mkdtemp(join(tmpdir(), 'forsun-journal-'));
  return {
    open: (clock, options) => openIn(join(directory, 'journal'), clock, options),
    destroy: () => rm(directory, { recursive: true }),
  };
}

describeStore('examples/extensions/journal.mjs', aPlace);
describeStoreModel('examples/extensions/journal.mjs', aPlace);

describe('a journal', () => {
  const open = (file: string) => openIn(file, new FakeClock(T0), { statusKeepSeconds: 0 });
  const withTwo = async (): Promise<string> => {
    const file = join(await aDirectory(), 'journal');
    const store = await open(file);
    for (const key of ['a', 'b']) await store.put(aDraft({ key }), unixSeconds(T0 + 5));
    await store.close();
    return file;
  };

  test('with a torn end is read up to there: that change was never answered', async () => {
    const file = await withTwo();
    for (const torn of ['0', '00000000 [{"gone":"a"}', 'x'.repeat(100)]) {
      await appendFile(file, torn);
      const store = await open(file);
      expect(await store.keys('', 10)).toEqual(['a', 'b']);
      await store.close();
    }
  });

  test('that is damaged anywhere else is refused, and stays as it is', async () => {
    const file = await withTwo();
    const text = await readFile(file, 'utf8');
    for (let at = 0; at < text.length - 1; at += 7) {
      const damaged = text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
      await writeFile(file, damaged);
      await expect(open(file)).rejects.toThrow(`of ${file} is damaged`);
      expect(await readFile(file, 'utf8')).toBe(damaged);
    }
  });

  test('that another process has open is refused, one that a dead process left is not', async () => {
    const file = await withTwo();
    const theirs = `${file}.lock.${process.ppid}.x`;
    await writeFile(theirs, '');
    await expect(open(file)).rejects.toThrow(
      `process ${process.ppid} has the journal open; if it is no forsund, remove ${theirs}`,
    );
    await rm(theirs);
    await writeFile(`${file}.lock.4194304.x`, '');
    await (await open(file)).close();
    expect(await readdir(dirname(file))).toEqual(['journal']);
  });

  test('is written anew as it grows, and keeps all, in order, over it', async () => {
    const file = join(await aDirectory(), 'journal');
    const store = await open(file);
    const params = new Map([['cmd', 'x'.repeat(50_000)]]);
    await store.put(aDraft({ key: 'kept' }), unixSeconds(T0 + 5));
    let longest = 0;
    for (let n = 0; n < 40; n += 1) {
      const changes = Array.from({ length: 10 }, (_, m) =>
        store.put(aDraft({ key: `${m}`, params }), unixSeconds(T0 + n)),
      );
      await Promise.all([...changes, store.remove('3')]);
      longest = Math.max(longest, (await stat(file)).size);
    }
    expect(longest).toBeLessThan(10 * 1024 ** 2);
    const before = await store.getMany(await store.keys('', 100));
    await store.close();
    const again = await open(file);
    expect(await again.getMany(await again.keys('', 100))).toEqual(before);
    expect(before.map(({ key }) => key)).toEqual([...Array.from('012456789'), 'kept']);
    await again.close();
  });

  test('of several that open it at once, at most one has it', async () => {
    const file = await withTwo();
    const modulePath = join(process.cwd(), 'examples/extensions/journal.mjs');
    const script = `
      import { offerModule } from ${JSON.stringify(join(process.cwd(), 'dist/runtime/own-module.js'))};
      import { pathToFileURL } from 'node:url';
      offerModule('forsun/extension', pathToFileURL('dist/extension.js').href);
      const { openJournalStore } = await import(${JSON.stringify(modulePath)});
      const clock = { now: () => ${T0} };
      await openJournalStore(${JSON.stringify(file)}, { clock, failuresKept: 1 }).then(
        () => console.log('has it'),
        (error) => console.log(error.message),
      );
      process.stdin.resume();`;
    const children = Array.from({ length: 4 }, () =>
      spawn(process.execPath, ['--input-type=module', '--eval', script], {
        stdio: ['pipe', 'pipe', 'inherit'],
      }),
    );
    const said = await Promise.all(
      children.map(async ({ stdout }) => String(((await once(stdout, 'data')) as unknown[])[0])),
    );
    for (const child of children) child.stdin.end();
    await Promise.all(children.map((child) => once(child, 'close')));
    const [first, ...others] = said.filter((line) => !line.includes('has the journal open'));
    expect([undefined, 'has it\n']).toContain(first);
    expect(others).toEqual([]);
    await (await open(file)).close();
  });

  test('takes no path that depends on where the server was started', () => {
    const register = (file: string | undefined) => () =>
      journal.register({
        settings: { get: () => file },
        registerStore: () => undefined,
      } as unknown as ExtensionHost);
    for (const file of [undefined, 'journal', './journal'])
      expect(register(file)).toThrow('absolute path');
    expect(register('/var/journal')).not.toThrow();
  });
});

test('a plan that cannot be claimed hurts no other in a journal, and is told of once', async () => {
  const log = new RecordedLog();
  const place = join(await aDirectory(), 'journal');
  const store = await openIn(place, new FakeClock(T0), { statusKeepSeconds: 0 }, log);
  const params = new Map([['forsun.absent', '1']]);
  await store.put(aDraft({ key: 'bad', params }), T0);
  await store.put(aDraft({ key: 'good' }), T0);
  for (const expected of [['good'], []]) {
    const { claims, more } = await store.claim(T0, room(T0));
    expect([claims.map(({ firing }) => firing.key), more]).toEqual([expected, false]);
  }
  expect(log.events()).toEqual(['plan_unclaimable']);
  await store.close();
});

/** Only then a crash brings it no second time. */
const firedAndGone = (client: ForsunClient, key: string): Promise<void> =>
  eventuallyPasses(() => expect(client.get(key)).rejects.toMatchObject({ code: 1003 }));

describe('forsund on a journal', () => {
  test('fires, and after kill -9 has all it had answered, and nothing twice', async () => {
    const source = await readFile('examples/extensions/journal.mjs', 'utf8');
    const path = await anExtensionPath({ 'journal.mjs': source });
    const file = join(dirname(path), 'journal');
    const options: ForsundOptions = {
      store: await aStore(),
      args: ['--extension-path', path, '--extension', 'journal', '--driver', 'journal'],
      env: { FORSUN_EXTENSION_JOURNAL__FILE: file },
    };
    const marks = join(dirname(path), 'marks');
    const params = { cmd: `echo $FORSUN_KEY >> ${marks}` };
    const marked = async (): Promise<string[]> =>
      (await readFile(marks, 'utf8').catch(() => '')).split('\n').filter((key) => key !== '');
    const plan = (key: string, second: number) => ({
      key,
      second,
      count: 1,
      action: 'shell',
      params,
    });

    const before = await ForsundProcess.start(options);
    const client = before.client();
    await client.createTimeout(plan('first', 1));
    let answered = 0;
    const creating = (async () => {
      for (let n = 0; ; n += 1) {
        await client.createTimeout(plan(`later${n}`, 3600));
        answered = n + 1;
      }
    })().catch(() => undefined);
    await firedAndGone(client, 'first');
    await eventually(() => answered > 20);
    await before.kill('SIGKILL');
    await creating;

    const after = await ForsundProcess.start(options);
    const again = after.client();
    const info = await again.info();
    expect(info.get('stores')).toBe('mem;redis;journal');
    expect(info.get('current_store')).toBe('journal');
    const keys = await again.getKeys('later');
    expect(keys).toEqual(
      expect.arrayContaining(Array.from({ length: answered }, (_, n) => `later${n}`)),
    );
    expect(keys.length).toBeLessThanOrEqual(answered + 1);
    await again.createTimeout(plan('second', 1));
    await firedAndGone(again, 'second');
    expect(await marked()).toEqual(['first', 'second']);
    expect(await after.kill('SIGTERM')).toMatchObject({ code: 0 });
  });
});
