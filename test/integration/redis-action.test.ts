import { onTestFinished, expect, test, vi } from 'vitest';

import { eventuallyPasses } from '../support/eventually.ts';
import { aStore, ForsundProcess, type ForsundOptions } from '../support/forsund-process.ts';
import { RedisServer, type RedisServerOptions } from '../support/redis-server.ts';

vi.setConfig({ testTimeout: 60_000 });

async function aRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const server = await RedisServer.start(options);
  onTestFinished(() => server.stop());
  return server;
}

async function aForsund(options: Partial<ForsundOptions> = {}) {
  const forsund = await ForsundProcess.start({ store: await aStore(), ...options });
  return { forsund, client: forsund.client() };
}

test('a plan made over Thrift pushes its job, byte by byte', async () => {
  const server = await aRedisServer();
  const { client } = await aForsund();
  const job = JSON.stringify({ it: '\'s "quoted" \\', lines: 'a\r\nb\u2028', mood: '😀 é' });
  const quoted = job.replaceAll("'", String.raw`\'`);
  const params = { port: String(server.port), command: `RPUSH 'queues:default' '${quoted}'` };
  await client.createTimeout({ key: 'job', second: 1, action: 'redis', params });
  const redis = server.client();
  await eventuallyPasses(async () => {
    expect(await redis.lrange('queues:default', 0, -1)).toEqual([job]);
  });
  await eventuallyPasses(async () => expect(await client.getKeys()).toEqual([]));
});

test('a plan with a bad command is refused when it is made', async () => {
  const { client } = await aForsund();
  const plan = { key: 'k', second: 1, action: 'redis', params: { command: 'MONITOR' } };
  await expect(client.createTimeout(plan)).rejects.toMatchObject({ code: 1007 });
});

test('an error reply fails the firing, and its log line tells no secret', async () => {
  const server = await aRedisServer();
  const { forsund, client } = await aForsund({ args: ['--store-status-expried', '600'] });
  const command = 'SET text s3cret; RPUSH text s3cret';
  const params = { port: String(server.port), password: 's3cret', username: 'default', command };
  await client.createTimeout({ key: 'k', second: 0, action: 'redis', params });
  await eventuallyPasses(async () => expect(await client.get('k')).toMatchObject({ status: -1 }));
  expect(forsund.output).toContain('WRONGTYPE to command 2 of 2');
  expect(forsund.output).not.toContain('s3cret');
});

test('a server that is down is asked again, and gets the commands when it is back', async () => {
  const server = await aRedisServer();
  const { port } = server;
  await server.stop();
  const { forsund, client } = await aForsund({ args: ['--action-retry-delay-seconds', '0'] });
  const params = { port: String(port), command: 'SET back 1', 'forsun.retries': '100' };
  await client.createTimeout({ key: 'k', second: 0, action: 'redis', params });
  await eventuallyPasses(() => expect(forsund.output).toContain('ECONNREFUSED'));
  const redis = (await aRedisServer({ port })).client();
  await eventuallyPasses(async () => expect(await redis.get('back')).toBe('1'));
});

test('no more runs of a plan are at a server than its max_connections', async () => {
  const server = await aRedisServer();
  const { client } = await aForsund();
  const redis = server.client();
  const port = String(server.port);
  const waiting = async (): Promise<number> =>
    Number(/blocked_clients:(\d+)/.exec(await redis.info('clients'))?.[1]);

  for (let n = 0; n < 6; n++) {
    const params = { port, max_connections: '2', command: `BLPOP gate 0; RPUSH passed ${n}` };
    await client.createTimeout({ key: `limited-${n}`, second: 0, action: 'redis', params });
  }
  await eventuallyPasses(async () => {
    expect((await client.info()).get('action_executing_count')).toBe('2');
    expect(await waiting()).toBe(2);
  });
  const free = { port, command: 'RPUSH free 1' };
  await client.createTimeout({ key: 'free', second: 0, action: 'redis', params: free });
  await eventuallyPasses(async () => expect(await redis.llen('free')).toBe(1));

  for (let passed = 1; passed <= 6; passed++) {
    await redis.rpush('gate', 1);
    await eventuallyPasses(async () => {
      expect(await redis.llen('passed')).toBe(passed);
      expect(await waiting()).toBe(Math.min(2, 6 - passed));
    });
  }
});

test('a command that blocks is left at its deadline, and its connection closed', async () => {
  const server = await aRedisServer();
  const { client } = await aForsund({ args: ['--store-status-expried', '600'] });
  const redis = server.client();
  const limits = { 'forsun.timeout': '1', 'forsun.retries': '0' };
  const params = { port: String(server.port), command: 'BLPOP gate 0', ...limits };
  await client.createTimeout({ key: 'k', second: 0, action: 'redis', params });
  await eventuallyPasses(async () => expect(await client.get('k')).toMatchObject({ status: -1 }));
  await eventuallyPasses(async () => {
    expect(String(await redis.client('LIST'))).not.toContain('blpop');
  });
});
