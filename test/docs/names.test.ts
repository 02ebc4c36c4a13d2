import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

import { describe, expect, test } from 'vitest';

import { limitsOf } from '../../src/config/limits.ts';
import { loadConfig } from '../../src/config/load.ts';
import { Counters } from '../../src/metrics/counters.ts';
import { infoOf } from '../../src/metrics/info.ts';
import { layoutOf } from '../../src/stores/level/layout.ts';

const read = (page: string): string => readFileSync(`docs/${page}`, 'utf8');

/** What stands below a heading, up to the next one of its kind. */
function below(page: string, heading: string): string {
  const [, section = ''] = read(page).split(`\n## ${heading}\n`);
  return section.split('\n## ')[0] ?? '';
}

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => readFileSync(`src/${file}`, 'utf8'))
  .join('\n');

describe('docs/design.md', () => {
  test('names files that are there', () => {
    const named = [...read('design.md').matchAll(/`((?:src|test|bench|bin)\/[\w./-]+)`/g)];
    const missing = named.map(([, file = '']) => file).filter((file) => !existsSync(file));
    expect(named.length).toBeGreaterThan(20);
    expect(missing).toEqual([]);
  });

  test('draws every room of src, and no other', () => {
    const [, drawn = ''] = /\nsrc\/\n([\s\S]*?)\ntest\//.exec(read('design.md')) ?? [];
    const rooms = [...drawn.matchAll(/^ {2}(\w+)\/ /gm)].map(([, room]) => room);
    const there = readdirSync('src', { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    );
    expect(rooms.toSorted()).toEqual(there.map(({ name }) => name).toSorted());
  });

  test('calls the laws as their tests do', () => {
    const laws = [...below('design.md', 'The nine laws').matchAll(/^\| (\d) \| ([^|]+) \|/gm)];
    const names = new Map(laws.map(([, number = '', name = '']) => [number, name]));
    expect([...names.keys()]).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9']);
    const files = [...readdirSync('test/laws'), ...readdirSync('test/integration')];
    for (const file of files.filter((name) => name.startsWith('law-'))) {
      const [, number = '', words = ''] = /^law-(\d)-(.+)\.test\.ts$/.exec(file) ?? [];
      expect(names.get(number)?.replaceAll(/[ ,]+/g, '-')).toContain(words);
    }
  });
});

describe('docs/running.md', () => {
  test('tells of events that the log has', () => {
    const events = [...below('running.md', 'The log').matchAll(/^\| `([^`]+)`/gm)];
    const named = events.flatMap(([row]) => [...row.matchAll(/`([^`]+)`/g)]);
    expect(named.length).toBeGreaterThan(8);
    const unknown = named.filter(([, event = '']) => !sources.includes(`'${event}'`));
    expect(unknown.map(([, event]) => event)).toEqual([]);
  });

  test('tells of counters that info has', () => {
    const facts = { ...{ version: '', startTime: 0, currentTime: 0, stores: [] }, actions: [] };
    const more = { currentStore: '', bindAddress: '', httpBindAddress: '', extensions: [] };
    const load = { queued: 0, parkedTargets: 0, stalledTargets: 0 };
    const idle = { load, limits: limitsOf(loadConfig({}).config) };
    const info = infoOf({ ...facts, ...more, ...idle, planCount: 0 }, new Counters());
    const rows = [...below('running.md', 'What to watch').matchAll(/^\| (`[^|]+) \|/gm)];
    const named = rows.flatMap(([, cell = '']) => [...cell.matchAll(/`(\w+)`/g)]);
    expect(named.length).toBeGreaterThan(15);
    for (const [, name = ''] of named) expect([...info.keys()]).toContain(name);
  });
});

test('docs/store.md has every file of the directory, and no other', () => {
  const { directory, ...files } = layoutOf('store');
  const rows = below('store.md', 'What lies in the directory').matchAll(/^\| (`[^|]+) \|/gm);
  const named = [...rows].flatMap(([, cell = '']) => [...cell.matchAll(/`([^`]+?)\/?`/g)]);
  const expected = Object.values(files).map((file) => basename(file));
  expect(directory).toContain('store');
  expect(named.map(([, name]) => name).toSorted()).toEqual(expected.toSorted());
});
