import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';

import { expect, test } from 'vitest';

import { statuses } from '../../src/interfaces/http/v2/problem.ts';
import { wireCodes } from '../../src/interfaces/thrift/wire-codes.ts';
import { aDirectory } from '../support/database.ts';
import { aStore, ForsundProcess } from '../support/forsund-process.ts';
import { openV2Door } from '../support/v2-door.ts';

const run = promisify(execFile);
const page = readFileSync('docs/http-v2.md', 'utf8');

/** Each block of curl lines, with the block of JSON behind it, if one follows before the next heading. */
const examples = [...page.matchAll(/^```sh\n(curl [^]*?)^```\n(?:\n```json\n([^]*?)^```)?/gm)].map(
  ([, code = '', answer]) => ({ code, answer }),
);

test('the curl lines of docs/http-v2.md do what it says, and are answered as it says', async () => {
  const args = ['--http', '127.0.0.1:0'];
  const forsund = await ForsundProcess.start({ store: await aStore(), args });
  const directory = await aDirectory();
  for (const { code, answer } of examples) {
    const line = code
      .replaceAll('127.0.0.1:9002', `127.0.0.1:${forsund.httpPort}`)
      .replaceAll('/tmp/', `${directory}/`)
      .replaceAll('curl ', 'curl -sS ');
    const { stdout } = await run('/bin/sh', ['-ec', line], { encoding: 'utf8' });
    if (answer === undefined) expect(stdout, code).not.toMatch(/"status":\d+,"detail":/);
    else expect(shapeOf(stdout)).toEqual(shapeOf(answer));
  }
  expect(examples).toHaveLength(8);
  expect(await forsund.client().getKeys('')).toEqual(['a', 'report']);
});

test('docs/http-v2.md has each request that there is, and no other', async () => {
  const { check } = await openV2Door();
  const documented = [...page.matchAll(/^\| `([A-Z]+ \/v2[^?`]+)[?`]/gm)].map(([, asked]) => asked);
  expect(documented.sort()).toEqual([...check.requests].sort());
});

test('docs/http-v2.md has each status that the OpenAPI document refuses with', async () => {
  const { check } = await openV2Door();
  const refusals = check.answers.map((answer) => Number(/\d+$/.exec(answer)?.[0] ?? 0));
  const rows = [...page.matchAll(/^\| (\d{3}(?:, \d{3})*) \|/gm)];
  const documented = rows.flatMap(([, statuses = '']) => statuses.split(', ').map(Number));
  expect(documented).toEqual(
    expect.arrayContaining([...new Set(refusals.filter((status) => status >= 400))]),
  );
});

/** What does not depend on when it was asked. */
const shapeOf = (json: string): string =>
  json
    .replaceAll('\n', '')
    .replace(/"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"/g, 'TIME')
    .replace(/:\d+:\d{10}:/g, ':GENERATION:SECONDS:')
    .replace(/\b\d{10}\b/g, 'SECONDS');

test('the failures of docs/http-v2.md are such as the server answers', async () => {
  const { check } = await openV2Door();
  const [, shown = ''] = /^## Failures\n\n```json\n([^]*?)^```/m.exec(page) ?? [];
  expect(check.takes('FailurePage', JSON.parse(shown))).toBe(true);
});

test('docs/http-v2.md has the status of each code', () => {
  const rows = [...page.matchAll(/^\| ([\d, ]+) \| ([\d, ]*) \|/gm)].flatMap(
    ([, status = '', codes = '']) =>
      codes.split(', ').map((code) => [Number(code), Number(status)] as const),
  );
  const documented = new Map(rows.filter(([code]) => code > 0));
  for (const [name, code] of Object.entries(wireCodes)) {
    if (name === 'plan_not_removed') continue; // it never comes
    expect([name, documented.get(code)]).toEqual([name, statuses[name as keyof typeof statuses]]);
  }
});
