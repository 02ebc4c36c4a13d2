import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { LogFile, type Rotation } from '../../src/runtime/log-file.ts';

let directory: string;
let file: string;
let nowMs = Date.now();
let monotonicMs = 0;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'forsun-log-'));
  file = join(directory, 'forsun.log');
  nowMs = Date.now();
});
afterEach(() => rmSync(directory, { recursive: true }));

const open = (rotate: Rotation = { kind: 'never' }, backupCount = 64): LogFile =>
  new LogFile({
    file,
    rotate,
    backupCount,
    clock: { nowMs: () => nowMs, monotonicMs: () => monotonicMs },
  });
const read = (): string => readFileSync(file, 'utf8');

test('lines are appended to what is there, for the owner alone', () => {
  for (const line of ['one', 'two']) {
    const log = open();
    log.write([line]);
    log.close();
  }
  expect(read()).toBe('one\ntwo\n');
  expect(statSync(file).mode & 0o077).toBe(0);
});

test('a new day begins a new file; the old one is named for its day', () => {
  const log = open({ kind: 'day' });
  const today = new Date(nowMs).toISOString().slice(0, 10);
  log.write(['old']);
  nowMs += 86_400_000;
  log.write(['new']);
  log.close();
  expect(read()).toBe('new\n');
  expect(readFileSync(`${file}.${today}`, 'utf8')).toBe('old\n');
});

test('a size begins a new file before it is passed, and the oldest beyond the count go', () => {
  const log = open({ kind: 'size', bytes: 10 }, 2);
  for (const line of ['11111', '22222', '33333', '44444', '55555']) {
    log.write([line]);
    nowMs += 1;
  }
  log.close();
  const old = readdirSync(directory)
    .filter((name) => name !== 'forsun.log')
    .sort();
  expect(old.map((name) => readFileSync(join(directory, name), 'utf8'))).toEqual([
    '33333\n',
    '44444\n',
  ]);
  expect(read()).toBe('55555\n');
});

test('no old file is overwritten, though two are full in the same millisecond', () => {
  const log = open({ kind: 'size', bytes: 1 }, 0);
  for (const line of ['1', '2', '3']) log.write([line]);
  log.close();
  expect(readdirSync(directory)).toHaveLength(3);
});

test('a file that cannot be set aside goes on growing', () => {
  file = join(directory, 'x'.repeat(250));
  const log = open({ kind: 'size', bytes: 1 });
  for (const line of ['1', '2', '3']) log.write([line]);
  log.close();
  expect(read()).toBe('1\n2\n3\n');
});

test('a device keeps its name', () => {
  symlinkSync('/dev/null', file);
  const log = open({ kind: 'size', bytes: 1 });
  for (const line of ['1', '2', '3']) log.write([line]);
  log.close();
  expect(readdirSync(directory)).toEqual(['forsun.log']);
});

test('after its file was moved away, reopen begins a new one', () => {
  const log = open();
  log.write(['before']);
  renameSync(file, `${file}.moved`);
  log.write(['meanwhile']);
  log.reopen();
  log.write(['after']);
  log.close();
  expect(readFileSync(`${file}.moved`, 'utf8')).toBe('before\nmeanwhile\n');
  expect(read()).toBe('after\n');
});

test('a full disk loses lines, is told once there is room, and stops nothing', () => {
  symlinkSync('/dev/full', file);
  const log = open();
  log.write(['lost', 'lost']);
  log.write(['lost']);
  unlinkSync(file);
  log.reopen();
  log.write(['kept']);
  log.close();
  expect(read()).toBe('# 3 lines could not be written here\nkept\n');
});

test('a full disk is tried again after a second, however much is logged and wherever the clock goes', () => {
  const log = open();
  const target = join(directory, 'target');
  log.close();
  unlinkSync(file);
  symlinkSync('/dev/full', file);
  log.write(['lost']);
  log.close();
  unlinkSync(file);
  symlinkSync(target, file);
  nowMs -= 3_600_000;
  for (let n = 0; n < 10; n++) {
    monotonicMs += 100;
    log.write(['x']);
  }
  log.close();
  expect(readFileSync(target, 'utf8')).toBe('# 10 lines could not be written here\nx\n');
});

test('a file that cannot be opened is refused at start', () => {
  file = join(directory, 'no', 'such', 'forsun.log');
  expect(() => open()).toThrow('ENOENT');
});
