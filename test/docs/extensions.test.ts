import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import * as extension from '../../src/extension.ts';
import { eventually } from '../support/eventually.ts';
import { anExtensionPath } from '../support/extension-path.ts';
import { aStore, ForsundProcess } from '../support/forsund-process.ts';
import { runForsun } from '../support/run-forsun.ts';

const page = readFileSync('docs/extensions.md', 'utf8');

test('the fifteen lines of docs/extensions.md run, as they are told to', async () => {
  const [, source = ''] = /^```js\n([\s\S]*?)^```/m.exec(page) ?? [];
  const [, line = ''] = /^forsun "(set .*)"$/m.exec(page) ?? [];
  const path = await anExtensionPath({ 'greeter.mjs': source });
  const forsund = await ForsundProcess.start({
    store: await aStore(),
    args: ['--extension-path', path, '--extension', 'greeter'],
  });
  const port = ['--port', String(forsund.port)];
  await runForsun([...port, line.replace('*/5/1', '*/1/1')]);
  await eventually(() => /greeted .*key=hello .*whom=Ada/.test(forsund.output));
  const refused = await runForsun([...port, line.replace('whom', 'whim')]);
  expect(refused.stderr).toContain(
    'the param whom of the action greet is missing; expected a name (1007)',
  );
});

test('what docs/extensions.md says that forsun/extension has, it has', () => {
  const [, sentence = ''] = /`forsun\/extension` has them: ([^.]*)\./.exec(page) ?? [];
  const named = [...sentence.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
  expect(named.length).toBeGreaterThan(10);
  expect(Object.keys(extension)).toEqual(expect.arrayContaining(named));
});
