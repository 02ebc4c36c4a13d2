import { afterEach, beforeEach, expect, test } from 'vitest';

import { RawClient } from '../../support/raw-client.ts';
import { openThriftDoor } from '../../support/thrift-door.ts';

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

const ping = '800100010000000470696e670000000700';
const pong = '800100020000000470696e6700000007060000000000';

test('a strict binary ping is answered byte for byte as forsun answers it', async () => {
  client.send(ping);
  expect((await client.receive(pong.length / 2)).toString('hex')).toBe(pong);
});

test('a framed ping is answered in a frame', async () => {
  client.send(`00000011${ping}`);
  expect((await client.receive(4 + pong.length / 2)).toString('hex')).toBe(`00000016${pong}`);
});
