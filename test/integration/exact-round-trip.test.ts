import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import type { Plan } from '../../src/client/plan.ts';
import { aDirectory } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { aStore, ForsundProcess } from '../support/forsund-process.ts';
import { HttpSink } from '../support/http-sink.ts';

/** What has broken stores, shells, headers or objects before. */
const hostileTexts: readonly string[] = [
  '__proto__',
  'hasOwnProperty',
  'constructor',
  'ünïcode ✓ 😀 \u{10ffff}',
  ' blanks at both ends ',
  `"double" and 'single'`,
  'back\\slash\\',
  '$(id) `id` ${HOME} %41 %',
  'a=b;c=d&e',
  '*/5 -- --help',
  'e\u0301 is not \u00e9, \u202e and \u2028',
  '0',
];
const hostileValues = [
  ...hostileTexts,
  '',
  'line\nline\r\nline\n',
  'tab\tand \u0001\u001b[31m',
  'x'.repeat(100_000),
];

/** Every name with every value; names may be anything, as actions ignore those they do not know. */
const hostileParams: readonly (readonly [name: string, value: string])[] = hostileValues.flatMap(
  (value, row) =>
    hostileTexts.slice(0, 6).map((name) => [`${name}${row === 0 ? '' : row}`, value] as const),
);

test('law 1: every param name and value and every key comes back exactly, before and after kill -9', async () => {
  const store = await aStore();
  let forsund = await ForsundProcess.start({ store, args: ['--plan-max-params-bytes', '2M'] });
  const keys = hostileTexts;
  const params = new Map([...hostileParams, ['cmd', 'true']]);
  for (const key of keys) {
    const made = await forsund.client().createTimeout({ key, hour: 1, params });
    expect(made.key).toBe(key);
  }
  for (const isAgain of [false, true]) {
    if (isAgain) {
      await forsund.kill('SIGKILL');
      forsund = await ForsundProcess.start({ store });
    }
    const client = forsund.client();
    const plans = await Promise.all(keys.map((key) => client.get(key)));
    expect(plans.map(({ key }) => key)).toEqual(keys);
    for (const plan of plans) expect([...plan.params]).toEqual([...params]);
    const inByteOrder = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(await client.getKeys('')).toEqual(inByteOrder);
    for (const key of keys.filter((key) => !/[\s*]$/.test(key))) {
      expect(await client.getKeys(key)).toContain(key);
    }
  }
});

test('law 1: every key and value reaches a command exactly, as data', async () => {
  const directory = await aDirectory();
  const forsund = await ForsundProcess.start({ store: await aStore() });
  const client = forsund.client();
  const out = (index: number): string => join(directory, String(index));
  const plans: Plan[] = [];
  for (const [index, key] of hostileTexts.entries()) {
    const quoted = key.replaceAll(`'`, `'\\''`);
    const cmd = `printf '%s\\0' "$FORSUN_KEY" "$TOLD" '${quoted}' "$FORSUN_FIRE_ID" "$FORSUN_TIMESTAMP" "$FORSUN_ATTEMPT" > ${out(index)}.part; mv ${out(index)}.part ${out(index)}`;
    const env = `TOLD=${key.replaceAll(';', ',')}`;
    plans.push(await client.createTimeout({ key, second: 1, params: { cmd, env } }));
  }
  for (const [index, { key, nextFireTime }] of plans.entries()) {
    const written = await eventuallyRead(out(index));
    const fireId = expect.stringMatching(/:\d+:\d+$/) as string;
    expect(written.split('\0')).toEqual([
      ...[key, key.replaceAll(';', ','), key, fireId, String(nextFireTime), '1', ''],
    ]);
    expect(written.split('\0')[3]?.startsWith(`${key}:`)).toBe(true);
  }
});

test('law 1: every key reaches an HTTP receiver, and every value a body or a header, exactly', async () => {
  const sink = await HttpSink.open();
  const forsund = await ForsundProcess.start({ store: await aStore() });
  const client = forsund.client();
  const values = hostileValues.filter((value) => value !== '');
  for (const [index, value] of values.entries()) {
    const key = hostileTexts[index] ?? `value/${index}`;
    const params = {
      ...{ url: sink.url(`/${index}`), method: 'POST', body: value },
      'header_Content-Type': 'text/plain',
      header_told: Buffer.from(value.slice(0, 1_000)).toString('base64'),
    };
    await client.createTimeout({ key, second: 0, action: 'http', params });
  }
  await sink.untilSeen(() => sink.hits.length === values.length);
  for (const [index, value] of values.entries()) {
    const hit = sink.hits.find(({ url }) => url === `/${index}`);
    expect(hit).toMatchObject({ key: hostileTexts[index] ?? `value/${index}`, body: value });
    expect(hit?.headers['told']).toBe(Buffer.from(value.slice(0, 1_000)).toString('base64'));
  }
});

test('law 1: what would not come back exactly is refused, and nothing of it is kept', async () => {
  const forsund = await ForsundProcess.start({ store: await aStore() });
  const client = forsund.client();
  const refused = { code: 1007 };
  const cmd = 'true';
  for (const key of ['line\nline', 'nul\0', '\u0007', 'x'.repeat(513)]) {
    await expect(client.createTimeout({ key, hour: 1, params: { cmd } })).rejects.toMatchObject(
      refused,
    );
  }
  for (const params of [
    { cmd, '': 'no name' },
    { cmd, ['n'.repeat(129)]: '' },
    { cmd: 'nul \0' },
    { cmd, big: 'x'.repeat(256 * 1024 + 1) },
  ]) {
    await expect(client.createTimeout({ hour: 1, params })).rejects.toMatchObject(refused);
  }
  expect(await client.getKeys()).toEqual([]);
});

async function eventuallyRead(file: string): Promise<string> {
  let text: string | undefined;
  await eventually(() => {
    try {
      text = readFileSync(file, 'utf8');
    } catch {
      text = undefined;
    }
    return text !== undefined;
  });
  return text ?? '';
}
