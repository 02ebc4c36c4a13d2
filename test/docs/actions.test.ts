import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';
import { promisify } from 'node:util';

import { describe, expect, test, vi } from 'vitest';

import { eventuallyPasses } from '../support/eventually.ts';
import { FakeTime } from '../support/fake-time.ts';
import { aStore, ForsundProcess } from '../support/forsund-process.ts';
import { stages } from './stages.ts';

vi.setConfig({ testTimeout: 60_000 });

/** The lines of shell in a section of docs/actions.md. */
function examplesOf(section: string): string {
  const [, text = ''] = readFileSync('docs/actions.md', 'utf8').split(`\n## ${section}\n`);
  const [own = ''] = text.split('\n## ');
  return [...own.matchAll(/^```sh\n([^]*?)^```/gm)].map(([, lines = '']) => lines).join('');
}

/** A server for which a day is over as soon as the plans of the examples are made: all have fired. */
async function aDayOf(examples: string, commands: readonly string[]): Promise<ForsundProcess> {
  const time = await FakeTime.begin();
  const path = [...commands, resolve('bin'), process.env['PATH'] ?? ''].join(delimiter);
  const env = { ...time.env, PATH: path };
  const forsund = await ForsundProcess.start({ store: await aStore(), env });
  await promisify(execFile)('/bin/sh', ['-ec', examples], {
    env: { PATH: path, HOME: '/nonexistent', FORSUN_PORT: String(forsund.port) },
  });
  time.set(86_400);
  return forsund;
}

describe('the examples of docs/actions.md are run, and do what they say', () => {
  test.each(Object.entries(stages))('## %s', async (section, setUp) => {
    const { props, commands, seen } = await setUp();
    let examples = examplesOf(section);
    expect(examples).toContain(` ${section} `);
    for (const [prop, real] of Object.entries(props)) {
      expect(examples).toContain(prop);
      examples = examples.replaceAll(prop, real);
    }
    const forsund = await aDayOf(examples, commands === undefined ? [] : [commands]);
    await eventuallyPasses(() => seen());
    expect((await forsund.client().info()).get('action_executed_error_count')).toBe('0');
  });

  test('those of every action that comes with the server', async () => {
    const forsund = await ForsundProcess.start({ store: await aStore() });
    const actions = (await forsund.client().info()).get('actions') ?? '';
    expect(Object.keys(stages).toSorted()).toEqual(actions.split(';').toSorted());
  });
});
