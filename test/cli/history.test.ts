import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { History, HISTORY_LINES } from '../../src/cli/history.ts';

let directory: string;
let file: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'forsun-history-'));
  file = join(directory, 'history');
});
afterEach(() => rmSync(directory, { recursive: true }));

test('lines are kept for later sessions, in a file that only its owner reads', () => {
  const history = new History(file);
  expect(history.load()).toEqual([]);
  history.add('ls');
  new History(file).add('get k');
  expect(new History(file).load()).toEqual(['ls', 'get k']);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('a file that others may read is closed to them', () => {
  writeFileSync(file, 'ls\n');
  chmodSync(file, 0o644);
  new History(file).load();
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('the newest lines are kept, the others leave the file', () => {
  const lines = Array.from({ length: HISTORY_LINES + 5 }, (_, index) => `get k${index}`);
  writeFileSync(file, lines.join('\n') + '\n');
  expect(new History(file).load()).toEqual(lines.slice(5));
  expect(readFileSync(file, 'utf8')).toBe(lines.slice(5).join('\n') + '\n');
});

test.each([
  `set k * * * * * * mysql 'user=a;passwd=b'`,
  `set k * * * * * * http "url='http://a/';header_Authorization='Bearer x'"`,
  `set k * * * * * * http auth_password=b url=http://a/`,
  `set k * * * * * * http http://me:secret@host/`,
  `set k * * * * * * redis "command='AUTH x'"`,
  ' ls hidden by a blank',
  '',
])('%s is not kept', (line) => {
  const history = new History(file);
  history.add('ls');
  history.add(line);
  expect(history.load()).toEqual(['ls']);
});

test('a history that cannot be written is no obstacle', () => {
  const history = new History(join(directory, 'none', 'history'));
  expect(() => history.add('ls')).not.toThrow();
  expect(history.load()).toEqual([]);
});
