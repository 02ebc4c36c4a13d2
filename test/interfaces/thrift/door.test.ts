import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, describe, expect, test } from 'vitest';

import { ForsunError } from '../../../src/core/errors.ts';
import { unixSeconds } from '../../../src/core/time.ts';
import type { ThriftDependencies, ThriftOptions } from '../../../src/interfaces/thrift/server.ts';
import { eventually } from '../../support/eventually.ts';
import { HeldPlans } from '../../support/held-plans.ts';
import { MemoryPlans } from '../../support/memory-plans.ts';
import { T0 } from '../../support/plans.ts';
import { RecordedLog } from '../../support/recorded-log.ts';
import { openThriftDoor, refusing } from '../../support/thrift-door.ts';
import { WireClient } from '../../support/wire-client.ts';
import { dialects, nameOf, writtenIn } from '../../support/wire-oracle.ts';

type Door = Awaited<ReturnType<typeof openThriftDoor>>;

let door: Door;
const clients: WireClient[] = [];

async function open(
  overrides: Partial<ThriftDependencies> = {},
  options: Partial<ThriftOptions> = {},
): Promise<void> {
  door = await openThriftDoor(overrides, options);
}

function connect(...dialect: [ConstructorParameters<typeof WireClient>[1]?]): WireClient {
  const client = new WireClient(door.address.port, ...dialect);
  clients.push(client);
  return client;
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await door.close();
});

const params = new Map([
  ['cmd', 'true'],
  ['note', 'ünïcode ✓ 😀'],
]);

describe.each(dialects.map((dialect) => [nameOf(dialect), dialect] as const))(
  '%s',
  (_, dialect) => {
    test('every method is answered', async () => {
      const plans = new MemoryPlans();
      const times = { fireTime: T0, failedAt: unixSeconds(2 ** 40) };
      const told = { action: 'http', attempts: 4, reason: 'ünïcode ✓ 😀', ...times };
      const failure = { ...told, generation: 7, number: 1 };
      plans.failed.push({ key: 'b', ...failure }, { key: 'a', ...failure });
      await open({ plans });
      const client = connect(dialect);
      const plan = {
        is_time_out: true,
        key: 'a',
        second: 5,
        minute: -1,
        hour: -1,
        day: -1,
        month: -1,
        week: -1,
        next_time: T0 + 5,
        status: 0,
        count: 1,
        current_count: 0,
        last_timeout: 0,
        action: 'shell',
        params,
        next_fire_time: T0 + 5,
        last_fire_time: undefined,
        created_time: T0,
        running: 0,
        fired_count: 0,
      };
      const calendar = { ...plan, key: 'c', is_time_out: false, second: 0, minute: 32, hour: 16 };
      Object.assign(calendar, { count: 0, next_time: T0 + 1_920, next_fire_time: T0 + 1_920 });

      expect(await client.call('ping')).toMatchObject({ seqid: 1, result: { success: 0 } });
      expect(await client.call('createTimeout', { key: 'a', second: 5, params })).toMatchObject({
        result: { success: plan },
      });
      expect(
        await client.call('create', { key: 'c', second: 0, minute: 32, hour: 16, params }),
      ).toMatchObject({ result: { success: calendar } });
      expect(await client.call('get', { key: 'a' })).toMatchObject({ result: { success: plan } });
      expect(await client.call('getTime', { timestamp: T0 + 5 })).toMatchObject({
        result: { success: [plan] },
      });
      expect(await client.call('getTime')).toMatchObject({ result: { success: [] } });
      expect(await client.call('getCurrent')).toMatchObject({
        result: { success: [plan, calendar] },
      });
      expect(await client.call('getKeys', { prefix: 'a* \t\n' })).toMatchObject({
        result: { success: ['a'] },
      });
      expect(await client.call('getKeys', { prefix: '*' })).toMatchObject({
        result: { success: ['a', 'c'] },
      });
      expect(await client.call('getFailures', { prefix: 'a*' })).toMatchObject({
        result: {
          success: [
            {
              ...{ key: 'a', action: 'http', attempts: 4, reason: 'ünïcode ✓ 😀' },
              ...{ fire_time: T0, failed_at: 2 ** 40 },
            },
          ],
        },
      });
      expect(await client.call('getFailures', { prefix: '', limit: 1 })).toMatchObject({
        result: { success: [{ key: 'b' }] },
      });
      expect(await client.call('listKeys', { prefix: '' })).toMatchObject({
        result: { success: ['a', 'c'] },
      });
      expect(await client.call('listKeys', { prefix: '', limit: 1 })).toMatchObject({
        result: { success: ['a'] },
      });
      expect(await client.call('listKeys', { prefix: '', after: 'a' })).toMatchObject({
        result: { success: ['c'] },
      });
      expect(await client.call('listKeys', { prefix: 'a*' })).toMatchObject({
        result: { success: [] },
      });
      expect(await client.call('restore', { plan, only_if_absent: true })).toMatchObject({
        result: { err: { code: 1008 } },
      });
      const moved = { ...plan, fired_count: 7, next_fire_time: T0 - 9, created_time: T0 - 100 };
      expect(await client.call('restore', { plan: moved })).toMatchObject({
        result: { success: { ...moved, current_count: 7, next_time: T0 - 9 } },
      });
      expect(await client.call('remove', { key: 'a' })).toMatchObject({
        result: { success: { fired_count: 7 } },
      });
      expect(await client.call('info')).toMatchObject({
        result: { success: new Map([['forsun_version', '0.1.0']]) },
      });
    });

    test('refusals are declared errors where there are, else exceptions, and the connection lives', async () => {
      await open();
      const client = connect(dialect);
      expect(await client.call('get', { key: 'nope' })).toMatchObject({
        result: { err: { code: 1003, message: 'no plan has the key "nope"' } },
      });
      expect(await client.call('create', { key: 'b', second: 1, action: 'bogus' })).toMatchObject({
        result: { err: { code: 1006 } },
      });
      expect(await client.call('create', { key: 'b' })).toMatchObject({
        exception: {
          type: 7,
          message: 'the argument second of create is missing or not of its type',
        },
      });
      expect(await client.call('getKeys')).toMatchObject({ exception: { type: 7 } });
      expect(await client.call('restore')).toMatchObject({ exception: { type: 7 } });
      expect(await client.call('restore', { plan: { key: 'a' } })).toMatchObject({
        result: { err: { code: 1007 } },
      });
      expect(await client.call('forsun_call', { key: 'a', ts: 1 })).toMatchObject({
        exception: { type: 6 },
      });
      expect(await client.call('ping')).toMatchObject({ seqid: 8, result: { success: 0 } });
      expect(door.counters.value('requested_error_count')).toBe(7);
      expect(door.counters.value('requested_count')).toBe(8);
      expect(door.counters.value('requesting_count')).toBe(0);
    });

    test('a ONEWAY call is answered as a call is', async () => {
      await open();
      const client = connect(dialect);
      client.send(
        writtenIn(dialect, (writer) => {
          writer.writeHeader({ name: 'ping', type: 4, seqid: -5 });
          writer.structBegin();
          writer.structEnd();
        }),
      );
      expect(await client.reply()).toMatchObject({ seqid: -5, result: { success: 0 } });
    });
  },
);

describe('calls in flight', () => {
  test('128 calls of a connection run at once, and what follows waits in its socket', async () => {
    const plans = new HeldPlans();
    await open({ plans });
    const client = connect();
    for (let i = 0; i < 200; i++) client.send(client.encode('create', { key: `${i}`, second: 1 }));
    await eventually(() => plans.begun.length === 128);
    await sleep(20);
    expect(plans.begun).toHaveLength(128);
    plans.releaseAll();
    for (let i = 0; i < 200; i++) {
      expect(await client.reply()).toMatchObject({
        seqid: i + 1,
        result: { success: { key: `${i}` } },
      });
    }
  });

  test('bytes in flight are bounded like calls', async () => {
    const plans = new HeldPlans();
    await open({ plans }, { bytesInFlight: 10_000 });
    const client = connect();
    const large = new Map([['body', 'x'.repeat(4_000)]]);
    for (let i = 0; i < 9; i++) {
      client.send(client.encode('create', { key: `${i}`, second: 1, params: large }));
    }
    await eventually(() => plans.begun.length === 3);
    await sleep(20);
    expect(plans.begun).toHaveLength(3);
    plans.releaseAll();
    for (let i = 0; i < 9; i++) await client.reply();
  });

  test('a read sees the changes called before it, and none called after it', async () => {
    const plans = new HeldPlans();
    await open({ plans });
    const client = connect();
    client.send(client.encode('create', { key: 'a', second: 1 }));
    client.send(client.encode('create', { key: 'a', second: 2 }));
    client.send(client.encode('get', { key: 'a' }));
    client.send(client.encode('remove', { key: 'a' }));
    client.send(client.encode('getKeys', { prefix: '' }));
    await eventually(() => plans.begun.length === 2);
    plans.releaseAll();
    await client.reply();
    await client.reply();
    expect(await client.reply()).toMatchObject({ result: { success: { second: 2 } } });
    expect(await client.reply()).toMatchObject({ result: { success: { second: 2 } } });
    expect(await client.reply()).toMatchObject({ result: { success: [] } });
  });

  test('connections do not wait for each other', async () => {
    const plans = new HeldPlans();
    await open({ plans });
    const waiting = connect();
    waiting.send(waiting.encode('create', { key: 'a', second: 1 }));
    await eventually(() => plans.begun.length === 1);
    expect(await connect().call('ping')).toMatchObject({ result: { success: 0 } });
    plans.releaseAll();
    await waiting.reply();
  });

  test('calls before a FIN are answered, then the connection ends', async () => {
    const plans = new HeldPlans();
    await open({ plans });
    const client = connect();
    client.send(client.encode('create', { key: 'a', second: 1 }));
    client.socket.end(client.encode('get', { key: 'a' }));
    await eventually(() => plans.begun.length === 1);
    plans.releaseAll();
    expect(await client.reply()).toMatchObject({ result: { success: { key: 'a' } } });
    expect(await client.reply()).toMatchObject({ result: { success: { key: 'a' } } });
    await client.closed;
  });
});

describe('replies', () => {
  test('a client that sent FIN may take its time for a large reply', async () => {
    await open();
    const client = connect();
    const large = new Map([['body', 'x'.repeat(100_000)]]);
    for (let i = 0; i < 120; i++) {
      await client.call('create', { key: `k${i}`, second: 1, params: large });
    }
    client.socket.pause();
    client.socket.end(client.encode('getCurrent'));
    await eventually(() => door.counters.value('requested_count') === 121);
    for (let second = 0; second < 10; second++) await door.clock.advance(1);
    client.socket.resume();
    const reply = await client.reply();
    expect('result' in reply && reply.result['success']).toHaveLength(120);
    await client.closed;
  });

  test('a reply that would pass its cap is an exception that says so, and the connection lives', async () => {
    await open({}, { replyBytes: 20_000 });
    const client = connect();
    const large = new Map([['body', 'x'.repeat(9_000)]]);
    for (const key of ['a', 'b', 'c'])
      await client.call('create', { key, second: 1, params: large });
    expect(await client.call('getCurrent')).toMatchObject({
      exception: { type: 6, message: expect.stringContaining('20000 bytes') as string },
    });
    expect(await client.call('ping')).toMatchObject({ result: { success: 0 } });
  });

  test('an error that is none of ours is told as no more than that, and logged', async () => {
    const log = new RecordedLog();
    const plans = new MemoryPlans();
    plans.create = async () => {
      throw new TypeError('secret detail');
    };
    await open({ plans, log });
    const client = connect();
    expect(await client.call('create', { key: 'a', second: 1 })).toMatchObject({
      exception: { type: 6, message: 'Internal error' },
    });
    expect(log.lines).toMatchObject([
      { level: 'error', event: 'thrift_call_failed', fields: { method: 'create' } },
    ]);
  });

  test('a plan that cannot be written breaks its own reply only', async () => {
    const plans = new MemoryPlans();
    const made = await plans.create({
      kind: 'interval',
      key: 'odd',
      fields: {},
      count: 1,
      action: 'shell',
      params: new Map(),
    });
    Object.assign(made, { action: 7 });
    await open({ plans });
    const client = connect();
    expect(await client.call('get', { key: 'odd' })).toMatchObject({ exception: { type: 6 } });
    expect(await client.call('ping')).toMatchObject({ seqid: 2, result: { success: 0 } });
  });

  test('refusals of methods that declare none tell their reason all the same', async () => {
    const plans = new MemoryPlans();
    plans.keys = async () => {
      throw new ForsunError('bad_argument', 'too many keys: give a longer prefix');
    };
    await open({ plans });
    expect(await connect().call('getKeys', { prefix: '' })).toMatchObject({
      exception: { type: 6, message: 'too many keys: give a longer prefix' },
    });
  });
});

describe('connections', () => {
  test('at the cap, the one that is idle longest goes', async () => {
    await open({}, { connections: 3 });
    const [first, second, third] = [connect(), connect(), connect()];
    for (const client of [first, second, third]) {
      await client.call('ping');
      await door.clock.advance(1);
    }
    await first.call('ping');
    expect(await connect().call('ping')).toMatchObject({ result: { success: 0 } });
    await second.closed;
    expect(await first.call('ping')).toMatchObject({ result: { success: 0 } });
    expect(await third.call('ping')).toMatchObject({ result: { success: 0 } });
  });

  test('one address has a cap of its own', async () => {
    await open({}, { connectionsPerAddress: 2 });
    const first = connect();
    await first.call('ping');
    await door.clock.advance(1);
    await connect().call('ping');
    await connect().call('ping');
    await first.closed;
    expect(door.counters.value('connecting_count')).toBe(2);
  });

  test('when none is idle, the newcomer is refused and counted', async () => {
    const plans = new HeldPlans();
    await open({ plans }, { connections: 1 });
    const busy = connect();
    busy.send(busy.encode('create', { key: 'a', second: 1 }));
    await eventually(() => plans.begun.length === 1);
    await connect().closed;
    expect(door.counters.value('connections_refused_count')).toBe(1);
    plans.releaseAll();
    expect(await busy.reply()).toMatchObject({ result: { success: { key: 'a' } } });
  });

  test('what clients do wrong is logged once a second, with what was suppressed, escaped', async () => {
    const log = new RecordedLog();
    await open({ log });
    for (let i = 0; i < 5; i++) {
      const client = connect();
      client.send('deadbeef00');
      await client.closed;
    }
    expect(log.events()).toEqual(['thrift_broken_message']);
    await door.clock.advance(2);
    const client = connect();
    client.send('deadbeef00');
    await client.closed;
    expect(log.lines[1]).toMatchObject({ fields: { suppressed: 4, peer: '127.0.0.1' } });
    expect(door.counters.value('protocol_errors_count')).toBe(6);
  });
});

describe('protected mode', () => {
  const stranger = refusing('127.0.0.1 is not served');

  test.each(dialects.map((dialect) => [nameOf(dialect), dialect] as const))(
    'a %s peer that is not served is told why, then the connection closes',
    async (_, dialect) => {
      await open({ access: stranger });
      const client = connect(dialect);
      expect(await client.call('get', { key: 'a' })).toMatchObject({
        name: 'get',
        seqid: 1,
        exception: { type: 6, message: '127.0.0.1 is not served' },
      });
      await client.closed;
      expect(door.counters.value('connections_refused_count')).toBe(1);
    },
  );

  test('a peer that is not served and says nothing is closed in its time', async () => {
    await open({ access: stranger });
    const client = connect();
    await eventually(() => door.counters.value('connecting_count') === 1);
    for (let second = 0; second < 12; second++) await door.clock.advance(1);
    await client.closed;
  });
});

describe('closing', () => {
  test('calls that run are answered first; nobody new is let in', async () => {
    const plans = new HeldPlans();
    await open({ plans });
    const idle = connect();
    await idle.call('ping');
    const busy = connect();
    busy.send(busy.encode('create', { key: 'a', second: 1 }));
    await eventually(() => plans.begun.length === 1);
    const closed = door.close();
    await idle.closed;
    await connect().closed;
    plans.releaseAll();
    expect(await busy.reply()).toMatchObject({ result: { success: { key: 'a' } } });
    await closed;
  });

  test('what does not answer in its time is cut', async () => {
    const plans = new HeldPlans();
    await open({ plans });
    const busy = connect();
    busy.send(busy.encode('create', { key: 'a', second: 1 }));
    await eventually(() => plans.begun.length === 1);
    const closed = door.close();
    await door.clock.advance(6);
    await closed;
    await busy.closed;
    plans.releaseAll();
  });
});
