import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { AnswerTooLong } from '../../src/actions/no-answer.ts';
import { ConnectionRefused, RedisReplyGuard } from '../../src/actions/redis-reply-guard.ts';

const line = fc.string({ unit: 'grapheme-ascii', maxLength: 20 });
const text = fc.oneof(fc.constantFrom('\r\n', '+OK\r\n', '*9\r\n'), fc.string({ unit: 'binary' }));

const { reply } = fc.letrec<{ reply: string }>((tie) => ({
  reply: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom('$-1\r\n', '*-1\r\n', '$0\r\n\r\n', '*0\r\n', ':-42\r\n', ':0\r\n'),
    line.map((words) => `+${words}\r\n`),
    line.map((words) => `-${words}\r\n`),
    text.map((words) => `$${Buffer.byteLength(words)}\r\n${words}\r\n`),
    fc.array(tie('reply'), { maxLength: 4 }).map((all) => `*${all.length}\r\n${all.join('')}`),
  ),
}));

/** The bytes, cut wherever the sizes say; the last piece is what is left. */
function* pieces(bytes: Buffer, sizes: readonly number[]): Generator<Buffer> {
  let from = 0;
  for (const size of sizes) {
    if (from >= bytes.length) return;
    yield bytes.subarray(from, from + size);
    from += size;
  }
  if (from < bytes.length) yield bytes.subarray(from);
}

const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 50 });

function check(given: string | Buffer, expected: number, maxBytes = 1_000): () => void {
  const guard = new RedisReplyGuard(maxBytes);
  guard.expect(expected);
  return () => guard.check(Buffer.from(given as string));
}

describe('the guard', () => {
  test('lets as many replies pass as were asked for, however they are cut, and nothing after', () => {
    fc.assert(
      fc.property(fc.array(reply, { minLength: 1, maxLength: 5 }), cuts, (replies, sizes) => {
        const bytes = Buffer.from(replies.join(''));
        const guard = new RedisReplyGuard(1_000_000);
        guard.expect(replies.length);
        for (const piece of pieces(bytes, sizes)) guard.check(piece);
        expect(() => guard.check(Buffer.from('$'))).toThrow('does not speak');
      }),
    );
  });

  test('stops a reply that nobody asked for, before its end', () => {
    for (const start of ['$', '*', ':', '+']) expect(check(start, 0)).toThrow('does not speak');
    expect(check('+OK\r\n$-1\r\n', 1)).toThrow('does not speak');
  });

  test('takes an error that nobody asked for as a refusal of the connection', () => {
    expect(check('-DENIED no\r\n', 0)).toThrow(ConnectionRefused);
    expect(check('-DENIED no\r\n', 0)).toThrow(expect.objectContaining({ reply: 'DENIED no' }));
  });

  test.each([
    ['what is no reply', 'HTTP/1.1 400 Bad Request\r\n'],
    ['a reply of RESP3', '>1\r\n_\r\n'],
    ['a length below -1', '$-22\r\n'],
    ['a length that is no number', '*1x\r\n'],
    ['a length without digits', '$\r\n'],
    ['a number that is none', ':1.5\r\n'],
    ['a line feed alone', '+OK\n'],
    ['a carriage return alone', '+O\rK\r\n'],
  ])('stops %s', (_, bytes) => {
    expect(check(bytes, 1)).toThrow('it does not speak the protocol of Redis');
  });

  test.each([
    ['an array of many', '*400\r\n'],
    ['arrays within arrays', '*100\r\n'.repeat(4)],
    ['a text', '$1000\r\n'],
    ['an endless line', `+${'a'.repeat(1_000)}`],
    ['many small ones', ':1\r\n'.repeat(300)],
  ])('stops %s when more is announced than allowed, not when it is there', (_, bytes) => {
    expect(check(bytes, 1_000)).toThrow(AnswerTooLong);
    expect(check(bytes, 1_000, 3_000)).not.toThrow();
  });

  test('measures the replies to each run anew', () => {
    const guard = new RedisReplyGuard(100);
    for (let run = 0; run < 10; run++) {
      guard.expect(1);
      guard.check(Buffer.from(`$60\r\n${'a'.repeat(60)}\r\n`));
    }
  });
});
