import { readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';
import { z } from 'zod';

import { beanstalkParams } from '../../src/actions/beanstalk.ts';
import { httpParams } from '../../src/actions/http-call.ts';
import { redisParams } from '../../src/actions/redis.ts';
import { mysqlParams } from '../../src/actions/mysql.ts';
import { shellParams } from '../../src/actions/shell.ts';
import { thriftParams } from '../../src/actions/thrift.ts';
import { allSettings } from '../../src/config/load.ts';
import { policyOf } from '../../src/core/policy.ts';

const read = (page: string): string =>
  readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8');

/** Cells of the rows of the first table below a heading. */
function rowsBelow(page: string, heading: string): readonly string[][] {
  const [, section = ''] = `\n${read(page)}`.split(`\n${heading}\n`);
  const [table = ''] = /(?:^\|.*\n)+/m.exec(section) ?? [];
  return table
    .trim()
    .split('\n')
    .slice(2)
    .map((row) => row.split('|').map((cell) => cell.trim().replace(/^`|`$/g, '')))
    .map(([, ...cells]) => cells);
}

/** What a plan that leaves a param out gets, as the schema has it; undefined where a setting or nothing decides. */
function defaultOf(schema: unknown): string | undefined {
  if (schema instanceof z.ZodDefault) return String(schema.def.defaultValue) || 'empty';
  return schema instanceof z.ZodOptional ? undefined : 'needed';
}

describe.each([
  ['shell', shellParams, []],
  ['http', httpParams, ['header_<name>']],
  ['redis', redisParams, []],
  ['thrift', thriftParams, []],
  ['beanstalk', beanstalkParams, []],
  ['mysql', mysqlParams, []],
])('docs/actions.md, ## %s', (action, { shape }: z.ZodObject, patterns) => {
  const rows = rowsBelow('actions.md', `## ${action}`);

  test('has every param, and no other', () => {
    const documented = rows.map(([name]) => name);
    expect(documented.toSorted()).toEqual([...Object.keys(shape), ...patterns].toSorted());
  });

  test('has the default of every param, and of the setting that gives it', () => {
    for (const [name = '', cell = ''] of rows.filter(([name = '']) => name in shape)) {
      const byDefault = defaultOf(shape[name]);
      const [first = '', second = ''] = cell.replaceAll('`', '').split(', ');
      if (byDefault !== undefined) {
        expect([name, first]).toEqual([name, byDefault]);
      } else if (first.startsWith('--')) {
        const setting = allSettings.find(({ flag }) => `--${flag}` === first);
        expect(setting?.default).toBeOneOf([second, '']);
      } else {
        expect(first).toBeOneOf(['none', 'nothing']);
      }
    }
  });
});

describe('docs/policies.md', () => {
  const rows = rowsBelow('policies.md', '# Policies of a plan');
  const set = (name: string, value: string) => () => policyOf(new Map([[name, value]]));

  test('has every policy, and no other', () => {
    const documented = rows.map(([name]) => name).join(', ');
    expect(set('forsun.?', '')).toThrow(`expected one of ${documented}`);
  });

  test('has the limits of every number', () => {
    const numbers = rows.flatMap(([name = '', values = '']) => {
      const [, lowest, highest] = /^(\d+) to (\d+)/.exec(values) ?? [];
      return lowest === undefined
        ? []
        : [{ name, lowest: Number(lowest), highest: Number(highest) }];
    });
    expect(numbers).toHaveLength(4);
    for (const { name, lowest, highest } of numbers) {
      expect(set(name, String(lowest))).not.toThrow();
      expect(set(name, String(highest))).not.toThrow();
      expect(set(name, String(lowest - 1))).toThrow('expected');
      expect(set(name, String(highest + 1))).toThrow('expected');
    }
  });

  test('has the values of every word', () => {
    const [, values = ''] = rows.find(([name]) => name === 'forsun.misfire') ?? [];
    const words = values.split(', ').map((word) => word.replaceAll('`', ''));
    expect(words).toHaveLength(3);
    for (const word of words) expect(set('forsun.misfire', word)).not.toThrow();
  });
});
