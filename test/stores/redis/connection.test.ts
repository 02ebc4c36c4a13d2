import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';

import { describe, expect, onTestFinished, test } from 'vitest';

import { someCertificates } from '../../support/certificates.ts';
import { aDirectory } from '../../support/database.ts';
import { eventually, eventuallyPasses } from '../../support/eventually.ts';
import { freePort } from '../../support/free-port.ts';
import { aRedis, opened, refusal, settingsFor } from './connection-rig.ts';

const anyPassword = { text: 'any', file: '' };

describe('who is let in', () => {
  test('by password, as the default user or another, from a setting or a file', async () => {
    const server = await aRedis({ args: ['--requirepass', 's3cret'] });
    await server
      .client({ password: 's3cret' })
      .acl('SETUSER', 'anna', 'on', '>p@ss', '~*', '+@all');
    const file = join(await aDirectory(), 'password');
    await writeFile(file, 's3cret\n');
    for (const login of [
      { password: { text: 's3cret', file: '' } },
      { password: { text: '', file } },
      { username: 'anna', password: { text: 'p@ss', file: '' } },
    ]) {
      const { client } = await opened(settingsFor(server, login));
      expect(await client.ping()).toBe('PONG');
    }
    for (const password of ['', 'other']) {
      const message = await refusal(
        settingsFor(server, { password: { text: password, file: '' } }),
      );
      expect(message).toMatch(
        /^Redis at 127\.0\.0\.1:\d+ does not let forsun in: (NOAUTH|WRONGPASS) .*; see --driver-redis-username and --driver-redis-password$/,
      );
    }
  });

  test('a password file that is not there is refused by name', async () => {
    const settings = settingsFor({ port: 1 }, { password: { text: '', file: '/none/password' } });
    expect(await refusal(settings)).toContain("open '/none/password'");
  });

  test('over TLS, with a certificate of ours, by an authority that we name', async () => {
    const file = await someCertificates();
    const server = await aRedis({
      tls: { cert: file('server.pem'), key: file('server.key'), ca: file('ca.pem') },
    });
    const ours = {
      ca: file('ca.pem'),
      cert: file('client.pem'),
      key: file('client.key'),
      name: '',
    };
    const { client } = await opened(settingsFor(server, { tls: ours }));
    expect(await client.ping()).toBe('PONG');

    const refusalOf = (tls: typeof ours) => refusal(settingsFor(server, { tls }));
    expect(await refusalOf({ ...ours, ca: '' })).toMatch(
      /^Redis at 127\.0\.0\.1:\d+ does not get through TLS: .*; see --driver-redis-tls-ca, /,
    );
    expect(await refusalOf({ ...ours, name: 'other.example' })).toContain('other.example');
    expect(await refusalOf({ ...ours, cert: '', key: '' })).toContain('certificate required');
    expect(await refusal(settingsFor(server))).toContain(
      'if it speaks TLS, add --driver-redis-tls',
    );
  });
});

test('a Redis that nobody serves is refused with its address, at once', async () => {
  const port = await freePort();
  expect(await refusal(settingsFor({ port }))).toBe(
    `Redis at 127.0.0.1:${port} cannot be reached: connect ECONNREFUSED 127.0.0.1:${port}; is it running, and is that its address?`,
  );
});

test('a Redis that takes connections and answers nothing is refused within five seconds', async () => {
  const server = await aRedis();
  server.signal('SIGSTOP');
  expect(await refusal(settingsFor(server))).toMatch(
    / cannot be reached: (no answer within 4.5 s|Socket timeout\b.*); /,
  );
});

test('another database is another store', async () => {
  const server = await aRedis();
  const { client } = await opened(settingsFor(server, { db: 3 }));
  expect(await client.info('keyspace')).toContain('db3:keys=1');
});

describe('a database that is not there', () => {
  test('is refused, and no other is taken instead', async () => {
    const server = await aRedis({ args: ['--databases', '4'] });
    expect(await refusal(settingsFor(server, { db: 4 }))).toBe(
      `Redis at 127.0.0.1:${server.port} has no database 4: see --driver-redis-db`,
    );
    expect(await server.client().dbsize()).toBe(0);
  });

  test('or that a user may not have, neither', async () => {
    const server = await aRedis();
    await server.client().acl('SETUSER', 'anna', 'on', 'nopass', '~*', '+@all', '-select');
    const settings = settingsFor(server, { db: 3, username: 'anna', password: anyPassword });
    expect(await refusal(settings)).toMatch(/does not let forsun in: NOPERM .*'select'/);
    expect(await server.client().dbsize()).toBe(0);
  });

  test('any more when Redis comes back has no other written to', async () => {
    const server = await aRedis();
    const { client } = await opened(settingsFor(server, { db: 3 }));
    const admin = server.client();
    await admin.acl('SETUSER', 'default', '-select');
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal');
    await eventually(() => client.status === 'reconnecting');
    for (let n = 0; n < 50; n += 1) {
      await client.set('a', '1').catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(await admin.dbsize()).toBe(0);
    await admin.acl('SETUSER', 'default', '+select');
    await eventuallyPasses(() => client.ping());
  });
});

test('what is there and is no Redis is refused as such', async () => {
  const sink = createServer((socket) => {
    socket.on('error', () => undefined).end('HTTP/1.1 400 Bad Request\r\n\r\n');
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void sink.close());
  await once(sink, 'listening');
  const { port } = sink.address() as AddressInfo;
  expect(await refusal(settingsFor({ port }))).toBe(
    `Redis at 127.0.0.1:${port} does not speak as Redis does: is that its address?`,
  );
});

test(
  'one that still loads what it has on disk is refused as such',
  { timeout: 60_000 },
  async () => {
    const server = await aRedis({
      config: ['save 1000 1', 'key-load-delay 500', 'loading-process-events-interval-bytes 1024'],
    });
    const fill = `for i = 1, 20000 do redis.call('SET', 'k' .. i, '') end`;
    await server.client().eval(fill, 0);
    await server.client().save();
    await server.kill();
    const restarted = server.restart();
    await eventuallyPasses(async () => {
      expect(await refusal(settingsFor(server))).toMatch(/ is still loading what it has on disk: /);
    });
    await restarted;
  },
);

describe('a connection that is lost', () => {
  test('fails what was under way at once, and what is sent meanwhile, and sends nothing twice', async () => {
    const server = await aRedis({ args: ['--appendonly', 'yes'] });
    const { client } = await opened(settingsFor(server));
    server.signal('SIGSTOP');
    const underWay = [client.incr('a'), client.incr('a')].map((one) => one.catch(String));
    await server.kill();
    for (const outcome of await Promise.all(underWay)) expect(outcome).toContain('Error');
    await expect(client.incr('a')).rejects.toThrow();
    await server.restart();
    await eventuallyPasses(() => client.ping());
    expect(await client.get('a')).toBeNull();
  });

  test('is told once, and once that it is back', async () => {
    const server = await aRedis({ args: ['--appendonly', 'yes'] });
    const { client, log } = await opened(settingsFor(server));
    await server.kill();
    await eventually(() => log.events().includes('store_redis_lost'));
    await eventually(() => client.status === 'reconnecting');
    await server.restart();
    await eventually(() => log.events().includes('store_redis_connected'));
    const address = `127.0.0.1:${server.port}`;
    expect(log.lines.slice(1)).toEqual([
      {
        level: 'warn',
        event: 'store_redis_lost',
        fields: { address, reason: 'the connection was closed' },
      },
      {
        level: 'info',
        event: 'store_redis_connected',
        fields: { address, lost: expect.stringMatching(/^[\d.]+ s$/) as string },
      },
    ]);
  });

  test('is made anew with the password that its file holds by then', async () => {
    const server = await aRedis({ args: ['--requirepass', 'old'] });
    const file = join(await aDirectory(), 'password');
    await writeFile(file, 'old');
    const { client } = await opened(settingsFor(server, { password: { text: '', file } }));
    const admin = server.client({ password: 'old' });
    await admin.config('SET', 'requirepass', 'new');
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await eventually(() => client.status === 'reconnecting');
    await expect(client.ping()).rejects.toThrow();
    await writeFile(file, 'new');
    await eventuallyPasses(() => client.ping());
  });

  test('because the server has become a replica, is made anew', async () => {
    const server = await aRedis();
    const { client, log } = await opened(settingsFor(server));
    await server.client().replicaof('127.0.0.1', await freePort());
    await expect(client.eval(`return redis.call('SET', KEYS[1], '')`, 1, 'a')).rejects.toThrow(
      'READONLY',
    );
    await eventually(() => log.events().includes('store_redis_connected'));
  });

  test('that ioredis gives up for good is made anew all the same', async () => {
    const server = await aRedis();
    const { client, log } = await opened(settingsFor(server));
    client.disconnect();
    await eventually(() => log.events().includes('store_redis_connected'));
    await client.ping();
  });

  test('on which nothing comes any more is given up', { timeout: 60_000 }, async () => {
    const server = await aRedis();
    const { client, log } = await opened(settingsFor(server));
    server.signal('SIGSTOP');
    await expect(client.ping()).rejects.toThrow();
    expect(log.lines.at(-1)).toMatchObject({
      event: 'store_redis_lost',
      fields: { reason: expect.stringContaining('Socket timeout') as string },
    });
    server.signal('SIGCONT');
    await eventuallyPasses(() => client.ping());
  });
});

test('closing it leaves nothing open, though Redis be away', async () => {
  const server = await aRedis();
  const connection = await opened(settingsFor(server));
  await server.kill();
  await eventually(() => connection.client.status === 'reconnecting');
  await connection.close();
  await expect(connection.client.ping()).rejects.toThrow();
  expect(connection.log.events()).toEqual(['store_redis_ready', 'store_redis_lost']);
});
