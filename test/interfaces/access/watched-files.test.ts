import { appendFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { beforeEach, expect, onTestFinished, test } from 'vitest';

import { WatchedFiles } from '../../../src/interfaces/access/watched-files.ts';
import { aDirectory } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeClock } from '../../support/fake-clock.ts';

let clock: FakeClock;
let file: string;
let told: string[];
let problem: string | undefined;
let reads: number;
let watched: WatchedFiles;

beforeEach(async () => {
  clock = new FakeClock();
  file = join(await aDirectory(), 'file');
  await writeFile(file, '1');
  told = [];
  problem = undefined;
  reads = 0;
  watched = new WatchedFiles([file], clock, {
    async read() {
      reads++;
      if (problem !== undefined) throw new Error(problem);
    },
    onRead: () => void told.push('read'),
    onProblem: (reason) => void told.push(reason),
  });
  await watched.start();
  onTestFinished(() => watched.close());
});

/** Lets the next look come, and end. */
async function look(): Promise<void> {
  await eventually(() => clock.pendingTimers === 1);
  await clock.advance(5);
  await eventually(() => clock.pendingTimers === 1);
}

test('files are read at first, and when one of them has changed, every five seconds', async () => {
  await look();
  expect([reads, told]).toEqual([1, []]);
  await appendFile(file, '2');
  await look();
  await look();
  expect([reads, told]).toEqual([2, ['read']]);
  await writeFile(`${file}.new`, '12');
  await rename(`${file}.new`, file);
  await look();
  expect([reads, told]).toEqual([3, ['read', 'read']]);
});

test('what could not be read is tried again until it can be, and told once', async () => {
  problem = 'too many open files';
  await appendFile(file, '2');
  for (let looks = 0; looks < 3; looks++) await look();
  expect(told).toEqual(['too many open files']);
  problem = 'it is a directory';
  await look();
  problem = undefined;
  await look();
  await look();
  expect(told).toEqual(['too many open files', 'it is a directory', 'read']);
});

test('who asks for it is told of a problem again', async () => {
  problem = 'no such file';
  await appendFile(file, '2');
  await watched.check();
  await watched.check();
  expect(told).toEqual(['no such file', 'no such file']);
});

test('nothing is read once it is closed', async () => {
  await watched.close();
  await appendFile(file, '2');
  await watched.check();
  expect([reads, clock.pendingTimers]).toEqual([1, 0]);
});
