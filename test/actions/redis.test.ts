import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';

import { canBeQuoted, enquote } from '../../src/grammar/quoting.ts';
import { done, RedisRig } from './redis-rig.ts';
import { until } from './support.ts';

const rig = new RedisRig();

describe('the commands of a plan', () => {
  test('are sent in order, separated by ";", with "=" as it stands', async () => {
    const outcome = await rig.run(
      rig.action(),
      'RPUSH list a; rpush list b=1 =;RPUSH list "c;d";;',
    );
    expect(outcome).toEqual(done);
    expect(await rig.redis.lrange('list', 0, -1)).toEqual(['a', 'b=1', '=', 'c;d']);
  });

  test('carry any value byte by byte, as JSON that Laravel quotes', async () => {
    const action = rig.action();
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
          expect(await rig.run(action, `RPUSH '${queue}' ${enquote(json, quote as '"')}`)).toEqual(
            done,
          );
          expect(await rig.redis.rpop(queue)).toBe(json);
        },
      ),
    );
  });

  test('may be a thousand, in one write', async () => {
    const commands = Array.from({ length: 1_000 }, (_, n) => `RPUSH list ${n}`);
    expect(await rig.run(rig.action(), commands.join(';'))).toEqual(done);
    expect(await rig.redis.llen('list')).toBe(1_000);
  });

  test('may be one of very many words', async () => {
    expect(await rig.run(rig.action(), `RPUSH list ${'a '.repeat(200_000)}`)).toEqual(done);
    expect(await rig.redis.llen('list')).toBe(200_000);
  });

  test('of two plans never share a connection at once', async () => {
    const action = rig.action();
    const slow = rig.run(action, 'BLPOP nothing 0.3; SET slow 1');
    const quick = rig.run(action, 'SET quick 1');
    expect(await quick).toEqual(done);
    expect(await rig.redis.mget('slow', 'quick')).toEqual([null, '1']);
    expect(await slow).toEqual(done);
  });

  test.each(['toString', 'constructor', '__proto__', 'hasOwnProperty', 'nonsense'])(
    'that the server does not know, as %s, are refused',
    async (name) => {
      expect(await rig.run(rig.action(), `${name} a`)).toEqual(
        rig.refused('ERR unknown command to the command'),
      );
    },
  );
});

describe('a plan is refused', () => {
  const prepare = (params: Record<string, string>) => () =>
    rig.action().prepare(new Map(Object.entries({ command: 'PING', ...params })));

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
    await rig.redis.set('text', 'a');
    const outcome = await rig.run(rig.action(), 'SET before 1; LPUSH text s3cret; SET after 1');
    expect(outcome).toEqual(rig.refused('WRONGTYPE to command 2 of 3'));
    expect(await rig.redis.mget('before', 'after')).toEqual(['1', '1']);
  });

  test.each([
    ['SET a', 'ERR wrong number of arguments to the command'],
    ['SET a b s3cret', 'ERR syntax error to the command'],
    ['INCRBY a s3cret', 'ERR value is not an integer or out of range to the command'],
    ['CLIENT s3cret', 'ERR unknown subcommand to the command'],
    [`EVAL 'return redis.error_reply("s3cret WORD")' 0`, 'an error to the command'],
    [`EVAL 'return redis.error_reply("MYOWN s3cret")' 0`, 'MYOWN to the command'],
  ])('is told without what the plan holds: %s', async (command, reason) => {
    expect(await rig.run(rig.action(), command)).toEqual(rig.refused(reason));
  });

  test('within a transaction makes the firing failed', async () => {
    await rig.redis.set('text', 'a');
    const outcome = await rig.run(rig.action(), 'MULTI; SET before 1; LPUSH text a; EXEC');
    expect(outcome).toEqual(rig.refused('WRONGTYPE to command 4 of 4'));
    expect(await rig.redis.get('before')).toBe('1');
  });

  test('that is a watched key, changed meanwhile, makes the firing failed', async () => {
    const action = rig.action();
    const outcome = rig.run(action, 'WATCH key; BLPOP nothing 0.3; MULTI; SET key 2; EXEC');
    await until(async () => String(await rig.clientList()).includes('cmd=blpop'));
    await rig.redis.set('key', 1);
    expect(await outcome).toEqual(
      rig.refused('EXECABORT a watched key has changed to command 5 of 5'),
    );
  });
});

describe('a server that cannot now', () => {
  afterEach(async () => {
    await rig.redis.config('SET', 'maxmemory', '0');
    await rig.redis.config('SET', 'min-replicas-to-write', '0');
    await rig.redis.replicaof('NO', 'ONE');
  });

  test('for want of memory is asked again', async () => {
    await rig.redis.config('SET', 'maxmemory', '1');
    const reason = rig.noAnswer('not now, OOM to command 1 of 2');
    expect(await rig.run(rig.action(), 'SET a 1; SET b 1')).toEqual(reason);
  });

  test('for want of replicas is asked again', async () => {
    await rig.redis.config('SET', 'min-replicas-to-write', '1');
    expect(await rig.run(rig.action(), 'SET a 1')).toEqual(
      rig.noAnswer('not now, NOREPLICAS to the command'),
    );
  });

  test('as it is a replica is asked again, also for a transaction', async () => {
    await rig.redis.replicaof('127.0.0.1', '1');
    expect(await rig.run(rig.action(), 'SET a 1')).toEqual(
      rig.noAnswer('not now, READONLY to the command'),
    );
    const outcome = await rig.run(rig.action(), 'MULTI; SET a 1; SET b 1; EXEC');
    expect(outcome).toEqual(rig.noAnswer('not now, READONLY to command 2 of 4'));
  });

  test('as it became one while a command waited is asked again', async () => {
    const outcome = rig.run(rig.action(), 'BLPOP nothing 0');
    await until(async () => String(await rig.clientList()).includes('cmd=blpop'));
    await rig.redis.replicaof('127.0.0.1', '1');
    expect(await outcome).toEqual(rig.noAnswer('not now, UNBLOCKED to the command'));
  });

  test.each(['MOVED 42 10.0.0.1:6379', 'ASK 42 10.0.0.1:6379', 'CROSSSLOT no'])(
    'and sends elsewhere has refused: %s',
    async (reply) => {
      const port = await rig.answering(`-${reply}\r\n`);
      expect(await rig.run(rig.action(), 'SET a 1', { port })).toEqual({
        kind: 'failed',
        reason: `refused by redis:127.0.0.1:${port}: ${reply.split(' ')[0]} to the command`,
      });
    },
  );

  test('as a script holds it is asked again', async () => {
    await rig.redis.config('SET', 'busy-reply-threshold', '1');
    const endless = expect(rig.server.client().eval('while true do end', 0)).rejects.toThrow(
      'killed',
    );
    await until(() =>
      rig.redis.ping().then(
        () => false,
        () => true,
      ),
    );
    expect(await rig.run(rig.action(), 'SET a 1')).toEqual(
      rig.noAnswer('not now, BUSY to the command'),
    );
    await rig.redis.script('KILL');
    await endless;
    await rig.redis.config('SET', 'busy-reply-threshold', '5000');
  });

  test('is not asked again when a command has been done', async () => {
    await rig.redis.config('SET', 'maxmemory', '1');
    expect(await rig.run(rig.action(), 'GET a; SET a 1')).toEqual(
      rig.refused('OOM to command 2 of 2'),
    );
    expect(await rig.run(rig.action(), 'SET a 1; GET a')).toEqual(
      rig.refused('OOM to command 1 of 2'),
    );
  });

  test.each(['LOADING', 'MASTERDOWN', 'CLUSTERDOWN', 'TRYAGAIN', 'MISCONF'])(
    'says so by %s, too',
    async (code) => {
      const port = await rig.answering(`-${code} not now\r\n`);
      const reason = rig.noAnswer(`not now, ${code} to the command`, port);
      expect(await rig.run(rig.action(), 'SET a 1', { port })).toEqual(reason);
    },
  );
});
