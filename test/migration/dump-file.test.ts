import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { BadDump, plansOfDump } from '../../src/migration/dump-file.ts';
import type { SourceRecord } from '../../src/migration/source-record.ts';
import { aDirectory } from '../support/database.ts';
import { type OriginalFields, packed, packedDump, packedPlan } from './original-bytes.ts';
import { dumpVector } from './python-vectors.ts';

async function recordsOf(bytes: Uint8Array): Promise<readonly SourceRecord[]> {
  const file = join(await aDirectory(), 'forsun.dump');
  await writeFile(file, bytes);
  const records: SourceRecord[] = [];
  for await (const record of plansOfDump(file)) records.push(record);
  return records;
}

const keysOf = (records: readonly SourceRecord[]): readonly string[] =>
  records.map((record) => (record.kind === 'plan' ? record.original.key : record.reason));

test('a dump as Python packs it', async () => {
  expect(await recordsOf(dumpVector)).toMatchObject([
    { where: 'plan 1', original: { key: 'order-1', nextTime: 1_795_572_000 } },
  ]);
});

test('a dump of any size, in whatever order its parts are', async () => {
  const few: OriginalFields[] = Array.from({ length: 20 }, (_, n) => ({
    ...{ key: `order-${n}`, isTimeOut: true, minute: 30, nextTime: 1_795_572_000 + n },
  }));
  const keys = few.map(({ key }) => key);
  const blobs = few.map(packedPlan);
  const turned = { current_time: 1, time_plans: new Map([[1, ['a']]]), plans: blobs };
  expect(keysOf(await recordsOf(packed(turned)))).toEqual(keys);
  // So many that their number takes 32 bits.
  const times = 3_300;
  const many = { plans: Array.from({ length: times }, () => blobs).flat(), current_time: 0 };
  const found = keysOf(await recordsOf(packed(many)));
  expect(found).toHaveLength(20 * times);
  expect(new Set(found)).toEqual(new Set(keys));
  expect(found.slice(-20)).toEqual(keys);
});

test('an empty dump has no plans', async () => {
  expect(await recordsOf(packedDump([]))).toEqual([]);
});

test('a plan larger than what is read at once comes whole', async () => {
  const params = { body: 'x'.repeat(700_000) };
  const [record] = await recordsOf(packedDump([{ key: 'a', params }]));
  expect(record).toMatchObject({ original: { params: new Map(Object.entries(params)) } });
});

test('a plan that cannot be read costs no other', async () => {
  const blobs = [packedPlan({ key: 'a' }), Buffer.from([0xc1]), packedPlan({ key: 'b' })];
  expect(await recordsOf(packed({ plans: blobs }))).toMatchObject([
    { kind: 'plan', where: 'plan 1' },
    {
      kind: 'bad',
      where: 'plan 2',
      reason: 'it is no plan of the original: it has a value of type 0xc1',
    },
    { kind: 'plan', where: 'plan 3' },
  ]);
});

describe('what is no dump, or not all of one, is refused', () => {
  const dump = packedDump([{ key: 'a' }, { key: 'b' }]);
  test.each<[string, Uint8Array, string]>([
    ['nothing', Buffer.alloc(0), 'it was cut short'],
    ['a part', dump.subarray(0, dump.length - 1), 'it was cut short'],
    ['more', Buffer.concat([dump, dump]), 'there is more behind the dump'],
    ['something else', Buffer.from('{"plans":[]}'), 'value came, expected map'],
    ['another map', packed({ jobs: [] }), 'it has "jobs"'],
    ['plans that are none', packed({ plans: 5 }), 'value came, expected array'],
  ])('%s', async (_what, bytes, message) => {
    const read = recordsOf(bytes);
    await expect(read).rejects.toThrow(BadDump);
    await expect(read).rejects.toThrow(message);
  });

  test('at whatever byte it ends', async () => {
    for (let end = 0; end < dump.length; end += 1) {
      await expect(recordsOf(dump.subarray(0, end))).rejects.toThrow(BadDump);
    }
  });
});
