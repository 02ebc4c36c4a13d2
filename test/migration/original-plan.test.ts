import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { BadOriginal, originalPlanOf } from '../../src/migration/original-plan.ts';
import { Float, type OriginalFields, packed, packedPlan } from './original-bytes.ts';
import { calendarVector, intervalVector } from './python-vectors.ts';

describe('a plan as Python packs it', () => {
  test('of an interval', () => {
    expect(originalPlanOf(intervalVector)).toEqual({
      key: 'order-1',
      isInterval: true,
      fields: { second: 0, minute: 30 },
      count: 1,
      nextTime: 1_795_572_000,
      firedCount: 0,
      lastTimeout: undefined,
      createdTime: 1_795_570_200,
      action: 'http',
      params: new Map([
        ['url', 'http://example.com/a?b=1'],
        ['body', 'ü'],
      ]),
    });
  });

  test('of calendar fields', () => {
    expect(originalPlanOf(calendarVector)).toEqual({
      key: 'daily',
      isInterval: false,
      fields: { second: 0, minute: 32, hour: 16 },
      count: 0,
      nextTime: 1_795_572_000,
      firedCount: 3,
      lastTimeout: 1_795_502_000,
      createdTime: 1_795_570_200,
      action: 'shell',
      params: new Map([['cmd', 'x'.repeat(40)]]),
    });
  });

  test('is what the tests pack', () => {
    const params = { url: 'http://example.com/a?b=1', body: 'ü' };
    const order: OriginalFields = {
      ...{ key: 'order-1', second: 0, minute: 30, count: 1, isTimeOut: true, action: 'http' },
      ...{ nextTime: 1_795_572_000, createdTime: 1_795_570_200, params },
    };
    expect(packedPlan(order)).toEqual(intervalVector);
  });
});

test('what its HTTP door let in comes as text where text is meant', () => {
  const params = { port: 8_080, ratio: new Float(1.5), empty: '' };
  expect(originalPlanOf(packedPlan({ key: 5, second: 1, params }))).toMatchObject({
    key: '5',
    params: new Map([
      ['port', '8080'],
      ['ratio', '1.5'],
      ['empty', ''],
    ]),
  });
});

test('negative fields are unset, as wrapped ones of its PHP clients', () => {
  const { fields } = originalPlanOf(packedPlan({ key: 'a', second: -25_536, minute: 5 }));
  expect(fields).toEqual({ minute: 5 });
});

test('one that has ended has no next time', () => {
  expect(originalPlanOf(packedPlan({ key: 'a', nextTime: null })).nextTime).toBeUndefined();
});

describe('what cannot be carried over is refused with why', () => {
  const plan = (fields: object): Buffer => packedPlan({ key: 'a', ...fields });
  test.each<[string, Buffer, string]>([
    ['no msgpack', Buffer.from('{"key":"a"}'), 'there is more behind it'],
    ['no map', packed(['a']), 'no map is packed in it'],
    ['cut short', plan({}).subarray(0, -1), 'it ends too early'],
    ['without a key', packed({ action: 'shell', params: {} }), 'its key is no text'],
    ['a key of other bytes', plan({ key: Buffer.from([0xff]) }), 'its key is no UTF-8'],
    ['a list for a param', plan({ params: { body: ['x'] } }), 'its param "body" is no text'],
    ['nothing for a param', plan({ params: { body: null } }), 'its param "body" is no text'],
    ['yes for a param', plan({ params: { body: true } }), 'its param "body" is no text'],
    ['a text for params', plan({ params: '{}' }), 'its params are no map'],
    ['a text for a field', plan({ second: '5' }), 'its second is no number'],
    [
      'half a second',
      packed({ key: 'a', second: new Float(0.5), action: 'a', params: {} }),
      'its second is',
    ],
  ])('%s', (_what, bytes, message) => {
    expect(() => originalPlanOf(bytes)).toThrow(BadOriginal);
    expect(() => originalPlanOf(bytes)).toThrow(message);
  });

  test('whatever bytes they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(), (noise, at) => {
        const bytes = Buffer.from(intervalVector);
        bytes.set(noise.subarray(0, bytes.length), at % (bytes.length - noise.length));
        try {
          originalPlanOf(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(BadOriginal);
        }
      }),
    );
  });
});
