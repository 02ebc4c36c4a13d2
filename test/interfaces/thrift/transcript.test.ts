import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { RawClient } from '../../support/raw-client.ts';
import { openThriftDoor } from '../../support/thrift-door.ts';

/** Bytes as forsun 0.1 and its clients exchange them: strict binary, no frames. */

let door: Awaited<ReturnType<typeof openThriftDoor>>;
let client: RawClient;

beforeEach(async () => {
  door = await openThriftDoor();
  client = new RawClient(door.address.port);
});

afterEach(async () => {
  client.close();
  await door.close();
});

const ping = (seqid: string): string => `800100010000000470696e67${seqid}00`;
const pong = (seqid: string): string => `800100020000000470696e67${seqid}060000000000`;

async function exchange(call: string, reply: string): Promise<void> {
  const before = client.received.length;
  client.send(call);
  const received = await client.receive(before + reply.length / 2);
  expect(received.subarray(before).toString('hex')).toBe(reply);
}

test('ping, seqid 7', async () => {
  await exchange(
    '800100010000000470696e670000000700',
    '800100020000000470696e6700000007060000000000',
  );
});

test('ping with the largest and the least seqid', async () => {
  await exchange(ping('7fffffff'), pong('7fffffff'));
  await exchange(ping('80000000'), pong('80000000'));
});

test('pings sent in one packet are answered in order', async () => {
  const seqids = ['00000001', '00000000', '00000001', '00000009'];
  await exchange(seqids.map(ping).join(''), seqids.map(pong).join(''));
});

test('a ping in a frame is answered in a frame', async () => {
  await exchange(`00000011${ping('00000007')}`, `00000016${pong('00000007')}`);
});

test('a compact ping is answered in the compact protocol', async () => {
  await exchange('8221070470696e6700', '8241070470696e6704000000');
});

describe('refusals', () => {
  const text = (value: string): string => {
    const length = Buffer.byteLength(value).toString(16).padStart(8, '0');
    return length + Buffer.from(value).toString('hex');
  };

  test('an unknown method is exception type 1, and the connection lives', async () => {
    const name = text('nope');
    await exchange(
      `80010001${name}0000000000`,
      `80010003${name}00000000` + `0b0001${text('Unknown function nope')}08000200000001` + '00',
    );
    await exchange(ping('00000000'), pong('00000000'));
  });

  test('a plan that is not there is ForsunPlanError 1003 in field 1', async () => {
    const name = text('get');
    await exchange(
      `80010001${name}000000000b0001${text('nope')}00`,
      `80010002${name}00000000` +
        `0c0001` +
        `06000103eb0b0002${text('no plan has the key "nope"')}00` +
        '00',
    );
  });
});
