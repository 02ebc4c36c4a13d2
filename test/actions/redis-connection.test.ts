import type { Socket } from 'node:net';

import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';

import { done, reasonOf, RedisRig } from './redis-rig.ts';
import { RawServer } from './sink.ts';
import { until } from './support.ts';

const rig = new RedisRig();

describe('a user', () => {
  beforeAll(async () => {
    await rig.redis.acl(
      'SETUSER',
      'anna',
      'on',
      '>pass wörd\n"',
      'allkeys',
      'allchannels',
      '+@all',
    );
    await rig.redis.acl('SETUSER', `zoë'"訂`, 'on', '>z', 'allkeys', '+@all');
    await rig.redis.acl(
      'SETUSER',
      'bert',
      'on',
      '>b',
      'allkeys',
      'allchannels',
      '+@all',
      '-flushall',
    );
    await rig.redis.acl('SETUSER', 'carl', 'on', 'nopass', 'allkeys', '+@all');
  });

  const anna = { username: 'anna', password: 'pass wörd\n"' };
  const bert = { username: 'bert', password: 'b' };
  test('is who the plan says, with any password, and with none', async () => {
    const action = rig.action();
    const zoe = { username: `zoë'"訂`, password: 'z' };
    for (const params of [anna, bert, zoe, { username: 'carl' }, {}]) {
      expect(await rig.run(action, 'PING', params)).toEqual(done);
    }
    const clients = (await rig.clientList()).filter((client) => client.includes(' cmd=ping '));
    const users = clients.map((client) => / user=(\S+)/.exec(client)?.[1]);
    expect(users.toSorted()).toEqual(['anna', 'bert', 'carl', 'default', zoe.username]);
  });

  test('who may not do it is refused', async () => {
    expect(await rig.run(rig.action(), 'FLUSHALL', bert)).toEqual(
      rig.refused('NOPERM to the command'),
    );
  });

  test.each([
    ['a wrong password', { ...anna, password: 's3cret' }],
    ['a wrong name', { ...anna, username: 'nobody' }],
    ['no password', { username: 'anna' }],
  ])('with %s is refused, and no command is sent', async (_, params) => {
    expect(await rig.run(rig.action(), 'SET done 1', params)).toEqual(
      rig.refused('WRONGPASS to AUTH'),
    );
    expect(await rig.redis.exists('done')).toBe(0);
  });

  test('is not needed, and a password is refused, where the server asks for none', async () => {
    const reason = 'ERR AUTH <password> called without any password configured to AUTH';
    expect(await rig.run(rig.action(), 'SET done 1', { password: 'a' })).toEqual(
      rig.refused(reason),
    );
    expect(await rig.redis.exists('done')).toBe(0);
  });

  test('is needed where the server asks for one', async () => {
    const guarded = await rig.anotherServer({ args: ['--requirepass', 's3cret'] });
    const port = String(guarded.port);
    const from = `refused by redis:127.0.0.1:${port}: `;
    const set = (password?: string) =>
      rig.run(rig.action(), 'SET done 1', {
        port,
        ...(password === undefined ? {} : { password }),
      });
    expect(await set()).toEqual({ kind: 'failed', reason: `${from}NOAUTH to the command` });
    expect(await set('no')).toEqual({ kind: 'failed', reason: `${from}WRONGPASS to AUTH` });
    expect(await set('s3cret')).toEqual(done);
  });
});

describe('a database', () => {
  test('is the one the plan says', async () => {
    const action = rig.action();
    expect(await rig.run(action, 'SET in 3', { selected_db: '3' })).toEqual(done);
    expect(await rig.run(action, 'SET in 0')).toEqual(done);
    expect(await rig.redis.get('in')).toBe('0');
    expect(await rig.run(action, 'COPY in in DB 0 REPLACE', { selected_db: '3' })).toEqual(done);
    expect(await rig.redis.get('in')).toBe('3');
  });

  test('that is not there is refused, and no command is sent', async () => {
    const outcome = await rig.run(rig.action(), 'SET in 99', { selected_db: '99' });
    expect(outcome).toEqual(rig.refused('ERR DB index is out of range to SELECT'));
    expect(await rig.redis.exists('in')).toBe(0);
  });
});

describe('a connection', () => {
  test('is used again by the next run', async () => {
    const action = rig.action();
    await rig.run(action, 'SET a 1');
    const taken = await rig.connectionsTaken();
    for (let n = 0; n < 20; n++) {
      expect(await rig.run(action, `MULTI; SET a ${n}; EXEC`)).toEqual(done);
    }
    expect(await rig.connectionsTaken()).toBe(taken);
  });

  test('is not used again under other credentials, and does not carry them on', async () => {
    const action = rig.action();
    await rig.redis.acl('SETUSER', 'dora', 'on', '>d', '>e', 'allkeys', '+@all');
    const taken = await rig.connectionsTaken();
    const identities = [
      {},
      { selected_db: '1' },
      { host: 'localhost' },
      { username: 'dora', password: 'd' },
      { username: 'dora', password: 'e' },
    ];
    for (const params of [...identities, ...identities]) {
      expect(await rig.run(action, 'PING', params)).toEqual(done);
    }
    expect(await rig.connectionsTaken()).toBe(taken + identities.length);
    expect(await rig.run(action, 'PING', { username: 'dora', password: 'f' })).toEqual(
      rig.refused('WRONGPASS to AUTH'),
    );
  });

  test.each([
    'SELECT 5',
    'AUTH erik e',
    'CLIENT SETNAME a',
    'MULTI; SET leaked 1',
    'EXEC; WATCH a',
    'MULTI; EXEC; MULTI',
    'RESET',
    'SCRIPT DEBUG YES',
    'GET',
  ])('that %s has changed is not used again', async (command) => {
    await rig.redis.acl('SETUSER', 'erik', 'on', '>e', 'allkeys', '+@all');
    const action = rig.action();
    await rig.run(action, command);
    const taken = await rig.connectionsTaken();
    expect(await rig.run(action, 'SET next 1')).toEqual(done);
    expect(await rig.connectionsTaken()).toBe(taken + 1);
    expect(await rig.redis.mget('next', 'leaked')).toEqual(['1', null]);
  });

  test.each([`EVAL 'redis.call("SELECT", 5); redis.setresp(3); return 1' 0`, 'UNWATCH'])(
    'is as it was after %s, and used again',
    async (command) => {
      const action = rig.action();
      expect(await rig.run(action, command)).toEqual(done);
      const taken = await rig.connectionsTaken();
      expect(await rig.run(action, 'SET next 1')).toEqual(done);
      expect(await rig.connectionsTaken()).toBe(taken);
      expect(await rig.redis.get('next')).toBe('1');
    },
  );

  test('that the server has closed is replaced', async () => {
    const action = rig.action();
    await rig.run(action, 'PING');
    await rig.redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await until(async () => (await rig.clientList()).length === 1);
    expect(await rig.run(action, 'SET a 1')).toEqual(done);
  });

  test('that nobody uses is closed after its time, and at the close', async () => {
    await rig.run(rig.action({ idleSeconds: 0.05 }), 'PING');
    await until(async () => (await rig.clientList()).length === 1);
    const action = rig.action();
    await rig.run(action, 'PING');
    expect(await rig.clientList()).toHaveLength(2);
    await action.close?.();
    await until(async () => (await rig.clientList()).length === 1);
  });
});

describe('a server that does not answer', () => {
  test('as nothing listens there is asked again', async () => {
    const gone = await RawServer.open(() => undefined);
    const port = String(gone.port);
    await gone.close();
    expect(await rig.run(rig.action(), 'PING', { port })).toEqual(
      rig.noAnswer('ECONNREFUSED', port),
    );
  });

  test('as its name is none is asked again', async () => {
    const outcome = await rig.run(rig.action(), 'PING', { host: 'nowhere.invalid' });
    expect(outcome.kind).toBe('retry');
    expect(reasonOf(outcome)).toContain('its name has no address');
  });

  test('as it was killed after the commands were sent is asked again', async () => {
    const other = await rig.anotherServer();
    const port = String(other.port);
    const outcome = rig.run(rig.action(), 'BLPOP nothing 0', { port });
    const client = other.client();
    await until(async () => String(await client.client('LIST')).includes('cmd=blpop'));
    await other.stop();
    expect(await outcome).toMatchObject({ kind: 'retry' });
    await rig.anotherServer({ port: other.port });
    expect(await rig.run(rig.action(), 'PING', { port })).toEqual(done);
  });

  test.each([
    ['at once', (socket: Socket) => socket.end()],
    ['rudely', (socket: Socket) => socket.resetAndDestroy()],
    ['after the commands', (socket: Socket) => socket.once('data', () => socket.end())],
    ['rudely after them', (socket: Socket) => socket.once('data', () => socket.resetAndDestroy())],
    ['within a reply', (socket: Socket) => socket.once('data', () => socket.end('$9\r\nabc'))],
    ['before the last reply', (socket: Socket) => socket.once('data', () => socket.end('+OK\r\n'))],
  ])('as it closes the connection %s is asked again', async (_, serve) => {
    const port = await rig.serving(serve);
    const outcome = await rig.run(rig.action(), 'PING; PING', { port });
    expect(outcome.kind).toBe('retry');
    expect(reasonOf(outcome)).toMatch(/: (the connection was closed|ECONNRESET|EPIPE)$/);
  });

  test('to all commands, but with an error to one, has refused', async () => {
    const port = await rig.serving((socket) => {
      socket.once('data', () => socket.end('+OK\r\n-WRONGTYPE no\r\n'));
    });
    expect(await rig.run(rig.action(), 'PING; PING; PING', { port })).toMatchObject({
      reason: `refused by redis:127.0.0.1:${port}: WRONGTYPE to command 2 of 3`,
    });
  });

  test.each([
    ['commands', {}],
    ['AUTH', { password: 's3cret' }],
  ])('to %s at all is left at the deadline, with nothing open', async (_, params) => {
    let sockets = 0;
    const port = await rig.serving((socket) => {
      sockets++;
      socket.once('close', () => sockets--);
    });
    const deadline = new AbortController();
    const outcome = rig.run(rig.action(), 'PING', { port, ...params }, deadline.signal);
    await until(() => sockets === 1);
    deadline.abort(new Error('deadline'));
    expect(await outcome).toMatchObject({ kind: 'retry' });
    await until(() => sockets === 0);
  });

  test('byte by byte is understood', async () => {
    const port = await rig.serving((socket) => {
      const reply = Buffer.from('$3\r\na\r\n\r\n*2\r\n:1\r\n$-1\r\n');
      const next = (at = 0): void => {
        if (at < reply.length) socket.write(reply.subarray(at, at + 1), () => next(at + 1));
      };
      socket.once('data', () => next());
    });
    expect(await rig.run(rig.action(), 'GET a; MGET a b', { port })).toEqual(done);
  });
});

describe('a server that is none, or means harm', () => {
  test.each([
    ['another protocol', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['random bytes', Buffer.from([0, 255, 13, 10, 36, 45])],
    ['arrays within arrays', '*1\r\n'.repeat(50_000)],
    ['a reply of nothing too many', '+OK\r\n$-1\r\n'],
    ['a push', '>1\r\n_\r\n'],
  ])('is asked again: %s', async (_, bytes) => {
    const port = await rig.answering(bytes);
    const reason = 'it does not speak the protocol of Redis';
    expect(await rig.run(rig.action(), 'PING', { port })).toEqual(rig.noAnswer(reason, port));
  });

  test.each([
    ['arrays announced', '*30000000\r\n'.repeat(100)],
    ['a text announced', '$99999999\r\n'],
    ['a reply without end', Buffer.alloc(2_000_000, '+aaaaaaaaa')],
  ])('is left when its answer is too long: %s', async (_, bytes) => {
    const port = await rig.answering(bytes);
    const before = process.memoryUsage().rss;
    const outcome = await rig.run(rig.action(), 'PING', { port });
    const reason = `the answer of redis:127.0.0.1:${port} is longer than 1048576 bytes`;
    expect(outcome).toEqual({ kind: 'failed', reason });
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
  });

  test('is left when its answer is too long: the replies to many commands', async () => {
    await rig.redis.set('large', 'x'.repeat(500_000));
    const outcome = await rig.run(rig.action(), 'GET large;'.repeat(100));
    const reason = `the answer of ${rig.target} is longer than 1048576 bytes`;
    expect(outcome).toEqual({ kind: 'failed', reason });
    expect(await rig.run(rig.action(), 'GET large; GET large')).toEqual(done);
  });

  test.each([
    ['in protected mode', '-DENIED Redis is running in protected mode\r\n', 'failed', 'DENIED'],
    ['that is full', '-ERR max number of clients reached\r\n', 'retry', 'not now, ERR max number'],
    [
      'that is full, of a cluster,',
      '-ERR max number of clients + cluster connections reached\r\n',
      'retry',
      'not now, ERR max number',
    ],
  ])('%s refuses before it is asked', async (_, bytes, kind, reason) => {
    const port = await rig.serving((socket) => socket.end(bytes));
    const outcome = await rig.run(rig.action(), 'PING', { port });
    expect(outcome.kind).toBe(kind);
    expect(reasonOf(outcome)).toContain(reason);
  });

  test('settles every run, whatever it sends, and breaks nothing', async () => {
    const good = '+OK\r\n -ERR\r\n :12\r\n $-1\r\n $2\r\nab\r\n *2\r\n+a\r\n*0\r\n'.split(' ');
    const bad = '>1\r\n _\r\n $- 22\r\n *-1\r\n \r\n %1\r\n !3\r\n ,nan\r\n'.split(' ');
    let pieces: readonly Buffer[] = [];
    const port = await rig.serving((socket) => {
      socket.once('data', () => {
        const [first = '', rest = ''] = pieces;
        socket.write(first, () => socket.end(rest));
      });
    });
    const action = rig.action();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...good, ...bad), { minLength: 1, maxLength: 6 }),
        fc.nat(20),
        async (sent, cut) => {
          const bytes = Buffer.from(sent.join(''));
          pieces = [bytes.subarray(0, cut), bytes.subarray(cut)];
          const { kind } = await rig.run(action, 'GET a; GET b', { port });
          expect(['done', 'failed', 'retry']).toContain(kind);
        },
      ),
      { numRuns: 300 },
    );
  });
});
