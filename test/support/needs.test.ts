import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { mayNotMount } from './may-not-mount.ts';
import { neededPackages } from './needs.ts';

test('CONTRIBUTING.md names every package that the tests need', () => {
  const [, sentence = ''] =
    /tests also need \w+ Debian packages: ([^.]*)\./.exec(
      readFileSync('CONTRIBUTING.md', 'utf8'),
    ) ?? [];
  const named = [...sentence.matchAll(/`([\w-]+)`/g)].map(([, name]) => name);
  const needed = mayNotMount ? [...neededPackages, 'mount', 'iproute2'] : neededPackages;
  expect(named).toEqual(needed);
});
