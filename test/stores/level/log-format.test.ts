import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ClassicLevel } from 'classic-level';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { crc32c, maskCrc } from '../../../src/stores/level/crc32c.ts';
import { logRecords } from '../../../src/stores/level/log-format.ts';
import { readManifest } from '../../../src/stores/level/manifest.ts';

test('the checksum is CRC-32C, by the vectors of RFC 3720', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
  expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
  expect(crc32c(Buffer.from(Array.from({ length: 32 }, (_, n) => n)))).toBe(0x46dd794e);
  expect(maskCrc(crc32c(Buffer.from('foo')))).not.toBe(crc32c(Buffer.from('foo')));
});

test('the checksum taken eight bytes at a step equals the one taken bit by bit', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      expect(crc32c(bytes)).toBe(bitwise(bytes));
    }),
  );
});

test('every record that LevelDB wrote is read, whatever its length', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'forsun-log-'));
  try {
    const level = new ClassicLevel<Buffer, Buffer>(directory, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
    });
    const sizes = [0, 1, 100, 32_700, 32_740, 32_761, 32_768, 70_000, 5, 200_000];
    for (const size of sizes) await level.put(Buffer.from(`k${size}`), Buffer.alloc(size, 7));
    const { logNumber } = await readManifest(directory);
    const bytes = await readFile(join(directory, `${String(logNumber).padStart(6, '0')}.log`));
    const records = logRecords(bytes);
    const lengths: number[] = [];
    let record = records.next();
    for (; record.done !== true; record = records.next()) {
      lengths.push(record.value.payload.length);
    }
    expect(record.value).toBeUndefined();
    expect(lengths.map((length, at) => length - sizes[at]! > 12)).toEqual(sizes.map(() => true));
    await level.close();
    expect((await readdir(directory)).some((name) => name.endsWith('.log'))).toBe(true);
  } finally {
    await rm(directory, { recursive: true });
  }
});

function bitwise(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
