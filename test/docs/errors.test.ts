import { readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { wireCodes } from '../../src/interfaces/thrift/wire-codes.ts';
import { ExceptionType } from '../../src/wire/wire-code.ts';

const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');

describe('docs/errors.md', () => {
  test('has every code under its name, and no other', () => {
    const rows = [...page.matchAll(/^\| (\d{4}) \| `(\w+)` \|/gm)];
    const documented = rows.map(([, code, name]) => [name, Number(code)]);
    expect(documented).toEqual(Object.entries(wireCodes));
  });

  test('has every type of TApplicationException that is sent, and no other', () => {
    const rows = [...page.matchAll(/^\| (\d+) `([A-Z_]+)` \|/gm)];
    const documented = new Map(rows.map(([, type, name = '']) => [name, Number(type)]));
    const sent = Object.entries(ExceptionType).map(
      ([name, type]) => [name.replace(/[A-Z]/g, '_$&').toUpperCase(), type] as const,
    );
    expect(documented).toEqual(new Map(sent));
  });
});
