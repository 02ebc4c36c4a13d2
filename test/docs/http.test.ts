import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';

import { expect, test } from 'vitest';

import { aDirectory } from '../support/database.ts';
import { aStore, ForsundProcess } from '../support/forsund-process.ts';

const run = promisify(execFile);
const page = readFileSync('docs/http.md', 'utf8');

const blocksOf = (language: string): readonly string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, 'gm'))].map(
    ([, code = '']) => code,
  );

test('the curl lines of docs/http.md do what it says, and are answered as it says', async () => {
  const args = ['--http', '127.0.0.1:0'];
  const forsund = await ForsundProcess.start({ store: await aStore(), args });
  const directory = await aDirectory();
  const blocks = blocksOf('sh').filter((code) => code.startsWith('curl'));
  const answers: string[] = [];
  for (const block of blocks) {
    const code = block
      .replaceAll('127.0.0.1:9002', `127.0.0.1:${forsund.httpPort}`)
      .replaceAll('/tmp/', `${directory}/`);
    const { stdout } = await run('/bin/sh', ['-ec', code], { encoding: 'utf8' });
    const well = stdout.match(/\{"errcode":0,/g) ?? [];
    expect(well.length, `${block}${stdout}`).toBe(code.match(/^curl/gm)?.length);
    answers.push(stdout);
  }
  expect(blocks.length).toBeGreaterThan(5);
  const client = forsund.client();
  expect(await client.getKeys('')).toEqual(['a', 'b', 'beat', 'nightly', 'report']);
  expect(await client.get('report')).toMatchObject({ kind: 'calendar', hour: 16, minute: 32 });

  const shapes = blocksOf('json').map(shapeOf);
  expect(shapes).toEqual(answers.slice(0, shapes.length).map(shapeOf));
});

/** Its names in their order, and what else does not depend on when it was asked. */
const shapeOf = (json: string): string => json.replaceAll('\n', '').replace(/1\d{9}/g, 'TIME');
