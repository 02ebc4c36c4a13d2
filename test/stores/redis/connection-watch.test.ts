import { EventEmitter } from 'node:events';

import { expect, test } from 'vitest';

import type { RedisClient } from '../../../src/stores/redis/client.ts';
import { ConnectionWatch } from '../../../src/stores/redis/connection-watch.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { RecordedLog } from '../../support/recorded-log.ts';

/** Of a connection, what is heard of it. */
function rig() {
  const [clock, log] = [new FakeClock(), new RecordedLog()];
  const connection = Object.assign(new EventEmitter(), { isCluster: false });
  const client = connection as unknown as RedisClient;
  const onConnected = (): void => undefined;
  const watch = new ConnectionWatch(client, {
    clock,
    log,
    address: () => 'redis:6379',
    onConnected,
  });
  connection.emit('ready');
  watch.tell();
  const told = (): readonly unknown[] =>
    log.lines.map(({ event, fields }) => [event.replace('store_redis_', ''), fields]);
  return { clock, connection, told, watch };
}

test('attempts to connect again are told of by none', () => {
  const { connection, told } = rig();
  for (let n = 0; n < 100; n += 1) connection.emit('close');
  expect(told()).toEqual([
    ['lost', { address: 'redis:6379', reason: 'the connection was closed' }],
  ]);
});

test('one that comes and goes is told of once in ten seconds, with how often that was', async () => {
  const { clock, connection, told } = rig();
  for (let n = 0; n < 12; n += 1) {
    connection.emit('error', new Error(`reason ${n}`));
    connection.emit('close');
    connection.emit('ready');
    await clock.advance(1);
  }
  const address = 'redis:6379';
  expect(told()).toEqual([
    ['lost', { address, reason: 'reason 0' }],
    ['connected', { address, lost: '0 s' }],
    ['lost', { address, reason: 'reason 10', before: 9 }],
    ['connected', { address, lost: '0 s' }],
  ]);
});

test('one that stays away after it came and went is told of, if late', async () => {
  const { clock, connection, told } = rig();
  connection.emit('close');
  connection.emit('ready');
  await clock.advance(1);
  connection.emit('close');
  await clock.advance(5);
  expect(told()).toHaveLength(2);
  await clock.advance(5);
  expect(told()).toHaveLength(3);
  connection.emit('ready');
  expect(told().at(-1)).toEqual(['connected', { address: 'redis:6379', lost: '10 s' }]);
});

test('nothing is told once it is closed', async () => {
  const { clock, connection, told, watch } = rig();
  connection.emit('close');
  connection.emit('ready');
  connection.emit('close');
  watch.stop();
  await clock.advance(20);
  expect(told()).toHaveLength(2);
  expect(clock.pendingTimers).toBe(0);
});

test('why one stays away is told after ten seconds, and again when that is another reason', async () => {
  const { clock, connection, told } = rig();
  const fail = async (reason: string, seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second += 1) {
      connection.emit('error', new Error(reason));
      connection.emit('error', new Error("Stream isn't writeable and so on"));
      connection.emit('close');
      await clock.advance(1);
    }
  };
  const address = 'redis:6379';
  connection.emit('close');
  await fail('refused', 30);
  await fail('WRONGPASS', 30);
  expect(told()).toEqual([
    ['lost', { address, reason: 'the connection was closed' }],
    ['lost', { address, reason: 'refused', lost: '10 s' }],
    ['lost', { address, reason: 'WRONGPASS', lost: '30 s' }],
  ]);
});
