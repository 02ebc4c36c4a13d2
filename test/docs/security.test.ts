import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { allSettings } from '../../src/config/load.ts';

test('docs/security.md tells the defaults that there are', () => {
  const page = readFileSync('docs/security.md', 'utf8');
  const [, section = ''] = /\n## Defaults\n([^]*?)\n## /.exec(page) ?? [];
  const rows = [...section.matchAll(/^\| (`--[^|]+) \| ([^|]+) \|/gm)];
  const told = rows.flatMap(([, flags = '', value]) =>
    [...flags.matchAll(/`--([\w-]+)`/g)].map(([, flag]) => [flag, value]),
  );
  expect(told.length).toBeGreaterThan(10);
  expect(told).toEqual(
    told.map(([flag]) => {
      const setting = allSettings.find((one) => one.flag === flag);
      return [flag, setting?.default === '' ? 'none' : setting?.default];
    }),
  );
});
