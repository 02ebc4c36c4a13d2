import fc from 'fast-check';
import { expect, test } from 'vitest';

import { type Line, linesOf } from '../../src/cli/lines.ts';

async function* inChunks(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (let n = 0; at < bytes.length; n++) {
    const size = sizes[n % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function read(text: string | Uint8Array, sizes = [3], maxBytes?: number): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const line of linesOf(inChunks(Buffer.from(text), sizes), maxBytes)) lines.push(line);
  return lines;
}

test('are those of the text, wherever its chunks end', async () => {
  const chunks = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 });
  const texts = fc.array(fc.string({ unit: fc.constantFrom('a', '\n', 'ü', '🚀') }));
  await fc.assert(
    fc.asyncProperty(texts, chunks, async (parts, sizes) => {
      const text = parts.join('\n');
      const expected = text.split('\n');
      if (expected.at(-1) === '') expected.pop();
      const lines = await read(text, sizes);
      expect(lines.map((line) => line.text)).toEqual(expected);
      expect(lines.map(({ number }) => number)).toEqual(expected.map((_, at) => at + 1));
      for (const { end, isWhole } of lines) {
        expect(isWhole ? Buffer.from(text)[end - 1] : end).toBe(
          isWhole ? 0x0a : Buffer.byteLength(text),
        );
      }
    }),
  );
});

test('one that is too long has no text, and those behind it have theirs', async () => {
  const lines = await read(`ab\n${'x'.repeat(100)}\ncdefghij\nabcdefghijk`, [7], 8);
  expect(lines).toMatchObject([
    { number: 1, text: 'ab', end: 3 },
    { number: 2, text: undefined, end: 104 },
    { number: 3, text: 'cdefghij', end: 113, isWhole: true },
    { number: 4, text: undefined, end: 124, isWhole: false },
  ]);
});

test('one that is no UTF-8 has no text', async () => {
  const bytes = Buffer.concat([Buffer.from('a\n'), Buffer.of(0xff, 0xfe, 0x0a), Buffer.from('b')]);
  expect((await read(bytes)).map(({ text }) => text)).toEqual(['a', undefined, 'b']);
});
