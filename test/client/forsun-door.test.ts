import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';

import { ForsunClient } from '../../src/client/forsun-client.ts';
import { MemoryPlans } from '../support/memory-plans.ts';
import { T0 } from '../support/plans.ts';
import { openThriftDoor, refusing } from '../support/thrift-door.ts';

const cleanUps: (() => void | Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function connect(...overrides: Parameters<typeof openThriftDoor>): Promise<ForsunClient> {
  const door = await openThriftDoor(...overrides);
  cleanUps.push(() => door.close());
  const client = new ForsunClient({ port: door.address.port });
  cleanUps.push(() => client.close());
  return client;
}

test('our server and our client agree on every plan, whatever its params are called', async () => {
  const client = await connect();
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('__proto__', 'hasOwnProperty', 'constructor', '1', '', '='),
  );
  const field = fc.option(fc.integer({ min: 0, max: 32_767 }), { nil: undefined });
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.tuple(text, text), { selector: ([name]) => name }),
      fc.record({
        second: field,
        minute: field,
        hour: field,
        day: field,
        month: field,
        week: field,
      }),
      async (params, fields) => {
        const given = Object.fromEntries(
          Object.entries(fields).filter(([, value]) => value !== undefined),
        );
        const plan = await client.createTimeout({ key: 'k', ...given, params: new Map(params) });
        expect(plan).toMatchObject({ key: 'k', kind: 'interval', ...given, createdTime: T0 });
        expect([...plan.params].sort()).toEqual([...params].sort());
        expect(await client.get('k')).toEqual(plan);
      },
    ),
    { numRuns: 50 },
  );
});

test('a peer that is not served learns why', async () => {
  const client = await connect({ access: refusing('forsund is in protected mode') });
  await expect(client.get('k')).rejects.toThrow('forsund is in protected mode');
});

test('a reply of megabytes comes whole', async () => {
  const keys = Array.from({ length: 50_000 }, (_, index) => `key-${'x'.repeat(50)}-${index}`);
  class ManyKeys extends MemoryPlans {
    override async keys(): Promise<readonly string[]> {
      return keys;
    }
  }
  const client = await connect({ plans: new ManyKeys() });
  expect(await client.getKeys()).toEqual(keys);
});
