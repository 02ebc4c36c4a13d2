import { setImmediate as nextTurn } from 'node:timers/promises';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { eventually } from '../../support/eventually.ts';
import { RawClient } from '../../support/raw-client.ts';
import { openThriftDoor } from '../../support/thrift-door.ts';
import { WireClient } from '../../support/wire-client.ts';
import { dialects } from '../../support/wire-oracle.ts';

const isNightly = process.env['FORSUN_TEST_NIGHTLY'] === '1';
const messageCount = isNightly ? 1_000_000 : 20_000;
const messagesPerConnection = 5;
const connectionsAtOnce = 20;

let door: Awaited<ReturnType<typeof openThriftDoor>>;

beforeEach(async () => {
  door = await openThriftDoor();
});

afterEach(async () => {
  await door.close();
});

test(
  `${messageCount} mutated messages leave the server up, and nothing behind`,
  { timeout: isNightly ? 1_800_000 : 60_000 },
  async () => {
    const seed = Date.now() % 2 ** 32;
    const random = randomOf(seed);
    const corpus = makeCorpus();
    for (let sent = 0; sent < messageCount; sent += messagesPerConnection * connectionsAtOnce) {
      const clients = Array.from({ length: connectionsAtOnce }, () => {
        const client = new RawClient(door.address.port);
        for (let i = 0; i < messagesPerConnection; i++) client.send(mutated(corpus, random));
        client.socket.end();
        return client;
      });
      // What is garbage closes; what is left half sent is ended by our FIN.
      await Promise.all(clients.map(({ closed }) => closed));
      if (sent % 10_000 === 0) await nextTurn();
    }
    await eventually(() => door.counters.value('connecting_count') === 0);
    expect(door.counters.value('requesting_count'), `seed ${seed}`).toBe(0);
    expect(door.counters.value('protocol_errors_count')).toBeGreaterThan(0);
    expect(door.counters.value('requested_count')).toBeGreaterThan(0);
    const client = new WireClient(door.address.port);
    expect(await client.call('ping')).toMatchObject({ result: { success: 0 } });
    client.close();
  },
);

type Random = (below: number) => number;

/** Calls of every method in every dialect, well-formed. */
function makeCorpus(): readonly Buffer[] {
  const params = new Map([
    ['cmd', 'true'],
    ['note', 'ünïcode'],
  ]);
  return dialects.flatMap((dialect) => {
    const client = new WireClient(door.address.port, dialect);
    client.close();
    return [
      client.encode('ping'),
      client.encode('create', { key: 'a', second: 1, minute: 2, action: 'http', params }),
      client.encode('createTimeout', { key: 'b', second: 1, count: 0, params }),
      client.encode('remove', { key: 'a' }),
      client.encode('get', { key: 'b' }),
      client.encode('getCurrent'),
      client.encode('getTime', { timestamp: 1_700_000_005 }),
      client.encode('getKeys', { prefix: 'a*' }),
      client.encode('forsun_call', { key: 'a', ts: 1, params }),
      client.encode('info'),
    ];
  });
}

function mutated(corpus: readonly Buffer[], random: Random): Buffer {
  const pick = (): Buffer => corpus[random(corpus.length)] ?? Buffer.alloc(0);
  let bytes = Buffer.from(pick());
  for (let mutations = random(4); mutations > 0; mutations--) {
    const at = random(bytes.length + 1);
    const other = pick();
    switch (random(6)) {
      case 0: // another value of a byte
        if (at < bytes.length) bytes[at] = random(256);
        break;
      case 1: // a flipped bit
        if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
        break;
      case 2: // cut short
        bytes = bytes.subarray(0, at);
        break;
      case 3: // bytes taken out
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random(8))]);
        break;
      case 4: // foreign bytes put in
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          other.subarray(random(other.length)),
          bytes.subarray(at),
        ]);
        break;
      default: // an extreme number
        if (at + 4 <= bytes.length)
          bytes.writeInt32BE([-1, 0, 2 ** 31 - 1, -(2 ** 31)][random(4)] ?? 0, at);
    }
  }
  return bytes;
}

/** A small generator of its own (mulberry32), so that a seed tells the whole run. */
function randomOf(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
