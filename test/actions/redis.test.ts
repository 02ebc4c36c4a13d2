import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import type { Action } from '../../src/actions/action.ts';
import { dialer } from '../../src/actions/dial.ts';
import { nameDefaults, Names } from '../../src/actions/names.ts';
import { redisAction, redisDefaults, type RedisSettings } from '../../src/actions/redis.ts';
import { canBeQuoted, enquote } from '../../src/grammar/quoting.ts';
import { RedisServer } from '../support/redis-server.ts';
import { RawServer } from './sink.ts';
import { fire, realClock, RecordedLog, until } from './support.ts';

let server: RedisServer;
let redis: Redis;
let log: RecordedLog;
let target: string;
const open: (() => Promise<void> | undefined)[] = [];

beforeAll(async () => {
  server = await RedisServer.start();
  redis = server.client();
  target = `redis:127.0.0.1:${server.port}`;
});

beforeEach(async () => {
  log = new RecordedLog();
  await redis.flushall();
});

afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

afterAll(() => server.stop());

function aRedis(settings: Partial<RedisSettings> = {}): Action {
  const names = new Names(realClock, nameDefaults);
  const action = redisAction(
    { ...redisDefaults, ...settings },
    { clock: realClock, log, dial: dialer(realClock, names) },
  );
  open.push(() => {
    names.close();
    return action.close?.();
  });
  return action;
}

const run = (
  action: Action,
  command: string,
  params: Record<string, string> = {},
  signal = new AbortController().signal,
) => fire(action, { port: String(server.port), command, ...params }, { signal });

const done = { kind: 'done' };
const refused = (reason: string) => ({
  kind: 'failed',
  reason: `refused by ${target}: ${reason}`,
});
const noAnswer = (reason: string, from = target) => ({
  kind: 'retry',
  reason: `no answer from ${from}: ${reason}`,
});

/** Connections the server has ever taken, but for ours to ask it. */
async function connectionsTaken(): Promise<number> {
  const [, count] = /total_connections_received:(\d+)/.exec(await redis.info('stats')) ?? [];
  return Number(count);
}

describe('the commands of a plan', () => {
  test('are sent in order, separated by ";", with "=" as it stands', async () => {
    const outcome = await run(aRedis(), 'RPUSH list a; rpush list b=1 =;RPUSH list "c;d";;');
    expect(outcome).toEqual(done);
    expect(await redis.lrange('list', 0, -1)).toEqual(['a', 'b=1', '=', 'c;d']);
  });

  test('carry any value byte by byte, as JSON that Laravel quotes', async () => {
    const action = aRedis();
    const value = fc.oneof(
      fc.json(),
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme' }),
    );
    await fc.assert(
      fc.asyncProperty(
        value.filter(canBeQuoted),
        fc.constantFrom("'", '"'),
        async (json, quote) => {
          const queue = 'queues:d éf';
          expect(await run(action, `RPUSH '${queue}' ${enquote(json, quote as '"')}`)).toEqual(
            done,
          );
          expect(await redis.rpop(queue)).toBe(json);
        },
      ),
    );
  });

  test('may be a thousand, in one write', async () => {
    const commands = Array.from({ length: 1_000 }, (_, n) => `RPUSH list ${n}`);
    expect(await run(aRedis(), commands.join(';'))).toEqual(done);
    expect(await redis.llen('list')).toBe(1_000);
  });

  test('may be one of very many words', async () => {
    expect(await run(aRedis(), `RPUSH list ${'a '.repeat(200_000)}`)).toEqual(done);
    expect(await redis.llen('list')).toBe(200_000);
  });

  test('of two plans never share a connection at once', async () => {
    const action = aRedis();
    const slow = run(action, 'BLPOP nothing 0.3; SET slow 1');
    const quick = run(action, 'SET quick 1');
    expect(await quick).toEqual(done);
    expect(await redis.mget('slow', 'quick')).toEqual([null, '1']);
    expect(await slow).toEqual(done);
  });

  test.each(['toString', 'constructor', '__proto__', 'hasOwnProperty', 'nonsense'])(
    'that the server does not know, as %s, are refused',
    async (name) => {
      expect(await run(aRedis(), `${name} a`)).toEqual(
        refused('ERR unknown command to the command'),
      );
    },
  );
});

describe('a plan is refused', () => {
  const prepare = (params: Record<string, string>) => () =>
    aRedis().prepare(new Map(Object.entries({ command: 'PING', ...params })));

  test.each([
    ['host', 'a b', 'is "a b"; expected a host name or an IP address; default: 127.0.0.1'],
    ['port', '0', 'is "0"; expected a port, 1 to 65535; default: 6379'],
    ['selected_db', '-1', 'is "-1"; expected the number of a database, from 0; default: 0'],
    ['max_connections', '0', 'is "0"; expected runs at the server at once, 1 to 1024'],
    ['command', '', 'is missing; expected Redis commands, separated by ";"'],
    ['command', ' ;; ', 'cannot be used; expected 1 to 1000 commands, separated by ";"'],
    ['command', 'PING;'.repeat(1_001), 'cannot be used; expected 1 to 1000 commands'],
    [
      'command',
      'PING; {"a":1}',
      'cannot be used; expected the name of a command first in command 2',
    ],
    [
      'command',
      'GET a;subscribe b',
      'expected commands that are answered once, as SUBSCRIBE is not',
    ],
    [
      'command',
      'client reply OFF',
      'expected commands that are answered once, as CLIENT REPLY is not',
    ],
  ])('for its %s: %s', (name, value, expected) => {
    const refusal = `the param ${name} of the action redis `;
    expect(prepare({ [name]: value })).toThrow(refusal);
    expect(prepare({ [name]: value })).toThrow(expected);
    expect(prepare({ [name]: value })).toThrow(expect.objectContaining({ code: 'bad_argument' }));
  });

  test.each(
    ['PSUBSCRIBE', 'SSUBSCRIBE', 'UNSUBSCRIBE', 'PUNSUBSCRIBE', 'SUNSUBSCRIBE', 'MONITOR'].concat([
      'SYNC',
      'PSYNC',
      'REPLCONF',
      'SHUTDOWN',
      'QUIT',
      'HELLO',
    ]),
  )('for %s, which is not answered once', (name) => {
    expect(prepare({ command: `PING; ${name} a` })).toThrow(name);
  });

  test('without a word of its commands or its password', () => {
    const secret = { command: 'SET a s3cret; MONITOR', password: 's3cret' };
    expect(prepare(secret)).not.toThrow('s3cret');
    expect(prepare(secret)).toThrow('MONITOR');
  });
});

describe('an error reply', () => {
  test('makes the firing failed, though the commands after it have run', async () => {
    await redis.set('text', 'a');
    const outcome = await run(aRedis(), 'SET before 1; LPUSH text s3cret; SET after 1');
    expect(outcome).toEqual(refused('WRONGTYPE to command 2 of 3'));
    expect(await redis.mget('before', 'after')).toEqual(['1', '1']);
  });

  test.each([
    ['SET a', 'ERR wrong number of arguments to the command'],
    ['SET a b s3cret', 'ERR syntax error to the command'],
    ['INCRBY a s3cret', 'ERR value is not an integer or out of range to the command'],
    ['CLIENT s3cret', 'ERR unknown subcommand to the command'],
    [`EVAL 'return redis.error_reply("s3cret WORD")' 0`, 'an error to the command'],
    [`EVAL 'return redis.error_reply("MYOWN s3cret")' 0`, 'MYOWN to the command'],
  ])('is told without what the plan holds: %s', async (command, reason) => {
    expect(await run(aRedis(), command)).toEqual(refused(reason));
  });

  test('within a transaction makes the firing failed', async () => {
    await redis.set('text', 'a');
    const outcome = await run(aRedis(), 'MULTI; SET before 1; LPUSH text a; EXEC');
    expect(outcome).toEqual(refused('WRONGTYPE to command 4 of 4'));
    expect(await redis.get('before')).toBe('1');
  });

  test('that is a watched key, changed meanwhile, makes the firing failed', async () => {
    const action = aRedis();
    const outcome = run(action, 'WATCH key; BLPOP nothing 0.3; MULTI; SET key 2; EXEC');
    await until(async () => String(await redis.client('LIST')).includes('cmd=blpop'));
    await redis.set('key', 1);
    expect(await outcome).toEqual(refused('EXECABORT a watched key has changed to command 5 of 5'));
  });
});

describe('a server that cannot now', () => {
  afterEach(async () => {
    await redis.config('SET', 'maxmemory', '0');
    await redis.config('SET', 'min-replicas-to-write', '0');
    await redis.replicaof('NO', 'ONE');
  });

  test('for want of memory is asked again', async () => {
    await redis.config('SET', 'maxmemory', '1');
    const reason = noAnswer('not now, OOM to command 1 of 2');
    expect(await run(aRedis(), 'SET a 1; SET b 1')).toEqual(reason);
  });

  test('for want of replicas is asked again', async () => {
    await redis.config('SET', 'min-replicas-to-write', '1');
    expect(await run(aRedis(), 'SET a 1')).toEqual(noAnswer('not now, NOREPLICAS to the command'));
  });

  test('as it is a replica is asked again, also for a transaction', async () => {
    await redis.replicaof('127.0.0.1', '1');
    expect(await run(aRedis(), 'SET a 1')).toEqual(noAnswer('not now, READONLY to the command'));
    const outcome = await run(aRedis(), 'MULTI; SET a 1; SET b 1; EXEC');
    expect(outcome).toEqual(noAnswer('not now, READONLY to command 2 of 4'));
  });

  test('as a script holds it is asked again', async () => {
    await redis.config('SET', 'busy-reply-threshold', '1');
    const endless = expect(server.client().eval('while true do end', 0)).rejects.toThrow('killed');
    await until(() =>
      redis.ping().then(
        () => false,
        () => true,
      ),
    );
    expect(await run(aRedis(), 'SET a 1')).toEqual(noAnswer('not now, BUSY to the command'));
    await redis.script('KILL');
    await endless;
    await redis.config('SET', 'busy-reply-threshold', '5000');
  });

  test('is not asked again when a command has been done', async () => {
    await redis.config('SET', 'maxmemory', '1');
    expect(await run(aRedis(), 'GET a; SET a 1')).toEqual(refused('OOM to command 2 of 2'));
    expect(await run(aRedis(), 'SET a 1; GET a')).toEqual(refused('OOM to command 1 of 2'));
  });

  test.each(['LOADING', 'MASTERDOWN', 'CLUSTERDOWN', 'TRYAGAIN', 'MISCONF'])(
    'says so by %s, too',
    async (code) => {
      const port = await answering(`-${code} not now\r\n`);
      const reason = noAnswer(`not now, ${code} to the command`, `redis:127.0.0.1:${port}`);
      expect(await run(aRedis(), 'SET a 1', { port })).toEqual(reason);
    },
  );
});

describe('a connection', () => {
  test('is used again by the next run', async () => {
    const action = aRedis();
    await run(action, 'SET a 1');
    const taken = await connectionsTaken();
    for (let n = 0; n < 20; n++) expect(await run(action, `SET a ${n}`)).toEqual(done);
    expect(await connectionsTaken()).toBe(taken);
  });
});

/** The port of a server that gives that answer to whatever comes, once to each connection. */
async function answering(bytes: string | Buffer): Promise<string> {
  return serving((socket) => socket.once('data', () => socket.write(bytes)));
}

async function serving(serve: Parameters<typeof RawServer.open>[0]): Promise<string> {
  const raw = await RawServer.open(serve);
  open.push(() => raw.close());
  return String(raw.port);
}
