import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';

import { expect, test, vi } from 'vitest';

import { loadConfig } from '../../src/config/load.ts';
import { aDirectory } from '../support/database.ts';
import { anExtensionPath } from '../support/extension-path.ts';
import { aStore, ForsundProcess } from '../support/forsund-process.ts';

// One process for each line: long on a machine that is busy.
vi.setConfig({ testTimeout: 120_000 });

const pages = ['README.md', ...readdirSync('docs').map((name) => `docs/${name}`)];

/** Lines of the blocks of code in that language. */
const linesOf = (page: string, language: string): readonly string[] =>
  [...readFileSync(page, 'utf8').matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, 'gm'))]
    .flatMap(([, block = '']) => block.split('\n'))
    .filter((line) => line !== '');

test('every forsun and set line of the docs is one that the server takes', async () => {
  const greeter = linesOf('docs/extensions.md', 'js').join('\n');
  const forsund = await ForsundProcess.start({
    store: await aStore(),
    args: ['--extension-path', await anExtensionPath({ 'greeter.mjs': greeter })],
    env: { FORSUN_EXTENSIONS: 'greeter' },
  });
  const directory = await aDirectory();
  const path = `${resolve('bin')}${delimiter}${process.env['PATH'] ?? ''}`;
  const env = { PATH: path, HOME: directory, FORSUN_PORT: String(forsund.port) };
  const lines = pages
    .flatMap((page) => linesOf(page, 'sh'))
    .filter((line) => /^(forsun|set) /.test(line) && !line.includes('plans.txt'))
    .map((line) => line.replaceAll('/tmp/', `${directory}/`));

  const refused = lines.flatMap((line) => {
    const isCommand = line.startsWith('forsun ');
    const { status, stderr } = spawnSync('/bin/sh', ['-c', isCommand ? line : 'forsun'], {
      env,
      input: isCommand ? '' : line,
      encoding: 'utf8',
    });
    return status === 0 ? [] : [`${line}: ${stderr}`];
  });
  expect(lines.length).toBeGreaterThan(12);
  expect(refused).toEqual([]);
});

test('the forsun.conf of docs/configuration.md is understood', () => {
  const text = linesOf('docs/configuration.md', 'ini').join('\n');
  const { config, warnings } = loadConfig({ conf: { file: 'forsun.conf', text } });
  expect(warnings).toEqual([]);
  expect(config.store.directory).toBe('/var/lib/forsun/store');
});
