import type { Socket } from 'node:net';

import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';

import type { Action } from '../../src/actions/action.ts';
import {
  beanstalkAction,
  beanstalkDefaults,
  type BeanstalkSettings,
} from '../../src/actions/beanstalk.ts';
import { Names } from '../../src/actions/names.ts';
import type { Clock } from '../../src/core/time.ts';
import { BeanstalkServer } from '../support/beanstalk-server.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RawServer } from './sink.ts';
import { fire, network, realClock, RecordedLog, until } from './support.ts';

function aBeanstalk(settings: Partial<BeanstalkSettings> = {}, clock: Clock = realClock) {
  const log = new RecordedLog();
  const names = new Names(clock);
  const action = beanstalkAction(
    { ...beanstalkDefaults, ...settings },
    { clock, log, ...network(clock, names) },
  );
  onTestFinished(async () => {
    await action.close?.();
    names.close();
  });
  return { action, log };
}

/** Answers the commands of a connection one by one; undefined: not at all. */
type Answers = (command: string, socket: Socket) => string | undefined;

async function aServer(answer: Answers): Promise<RawServer & { readonly commands: string[] }> {
  const commands: string[] = [];
  const server = await RawServer.open((socket) => {
    socket.on('data', (chunk) => {
      const command = chunk.toString();
      commands.push(command);
      const reply = answer(command, socket);
      if (reply !== undefined) socket.write(reply);
    });
  });
  onTestFinished(() => server.close());
  return Object.assign(server, { commands });
}

/** One that takes every tube, and answers puts so. */
const putAnswers =
  (answer: Answers): Answers =>
  (command, socket) =>
    command.startsWith('use ') ? command.replace('use', 'USING') : answer(command, socket);

const inserted = putAnswers(() => 'INSERTED 1\r\n');
const done = { kind: 'done' };

const put = (
  action: Action,
  port: number,
  params: Record<string, string> = {},
  run: Parameters<typeof fire>[2] = {},
) => fire(action, { port: String(port), body: 'close 42', ...params }, run);

describe('a job', () => {
  test('lies in its tube with the params of its plan', async () => {
    const server = await BeanstalkServer.start();
    const job = {
      name: 'orders/close;$(1)',
      priority: '7',
      delay: '90',
      ttr: '15',
      body: 'close 42',
    };
    expect(await put(aBeanstalk().action, server.port, job)).toEqual(done);
    expect(await server.nextJob('orders/close;$(1)')).toEqual({
      body: Buffer.from('close 42'),
      priority: 7,
      delay: 90,
      ttr: 15,
    });
  });

  test('has the defaults of forsun where its plan says nothing', async () => {
    const server = await BeanstalkServer.start();
    expect(await put(aBeanstalk().action, server.port)).toEqual(done);
    const { priority, delay, ttr } = await server.nextJob('default');
    expect([priority, delay, ttr]).toEqual([2_147_483_648, 0, 7_200]);
  });

  test.each([
    'é 漢字 👩‍👩‍👧',
    'line\r\nquit\r\nput 0 0 1 1\r\nx\r\n',
    `"double" 'single' \\ back; # $HOME`,
    '\0\x01\x7f\u2028',
    ' ',
    'x'.repeat(60_000),
  ])('holds its body byte for byte, whatever is in it (%#)', async (body) => {
    const server = await BeanstalkServer.start();
    expect(await put(aBeanstalk().action, server.port, { body })).toEqual(done);
    expect((await server.nextJob('default')).body).toEqual(Buffer.from(body));
    expect((await server.ask('stats')).toString()).toContain('\ntotal-jobs: 1\n');
  });

  test('holds any text', async () => {
    const server = await BeanstalkServer.start();
    const { action } = aBeanstalk();
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', minLength: 1 }), async (body) => {
        expect(await put(action, server.port, { body })).toEqual(done);
        expect((await server.nextJob('default')).body).toEqual(Buffer.from(body));
      }),
      { numRuns: 50 },
    );
  });
});

describe('a plan is refused', () => {
  test.each([
    ['no body', {}, /param body .* is missing; expected text/],
    ['an empty body', { body: '' }, /param body .* is missing/],
    ['a tube with a space', { body: 'x', name: 'a b' }, /param name .* is "a b"; expected a tube/],
    ['a tube with a line end', { body: 'x', name: 'a\r\nquit' }, /param name /],
    ['a tube that ends in a line end', { body: 'x', name: 'a\n' }, /param name /],
    ['a tube that begins with a hyphen', { body: 'x', name: '-a' }, /param name /],
    ['a tube of 201 bytes', { body: 'x', name: 'a'.repeat(201) }, /param name /],
    ['a tube beyond ASCII', { body: 'x', name: 'é' }, /param name /],
    ['a negative priority', { body: 'x', priority: '-1' }, /param priority .* is "-1"/],
    ['a priority beyond 32 bits', { body: 'x', priority: '4294967296' }, /param priority /],
    ['a delay that is no number', { body: 'x', delay: '1s' }, /param delay /],
    ['a ttr of 0', { body: 'x', ttr: '0' }, /param ttr .* expected seconds/],
    ['a port beyond 65535', { body: 'x', port: '65536' }, /param port /],
    ['a host with a path', { body: 'x', host: 'a/b' }, /param host /],
  ])('that has %s', async (_, params, message) => {
    const { action } = aBeanstalk();
    expect(() => action.prepare(new Map(Object.entries(params)))).toThrow(message);
  });
});

describe('an answer', () => {
  test.each([
    ['INSERTED 1', done],
    ['DRAINING', { kind: 'retry', reason: 'beanstalk:127.0.0.1:# answered DRAINING' }],
    ['OUT_OF_MEMORY', { kind: 'retry', reason: 'beanstalk:127.0.0.1:# answered OUT_OF_MEMORY' }],
    ['INTERNAL_ERROR', { kind: 'retry', reason: 'beanstalk:127.0.0.1:# answered INTERNAL_ERROR' }],
    ['BURIED 1', { kind: 'failed', reason: 'refused by beanstalk:127.0.0.1:#: BURIED' }],
    ['JOB_TOO_BIG', { kind: 'failed', reason: 'refused by beanstalk:127.0.0.1:#: JOB_TOO_BIG' }],
    [
      'EXPECTED_CRLF',
      { kind: 'failed', reason: 'refused by beanstalk:127.0.0.1:#: EXPECTED_CRLF' },
    ],
    ['BAD_FORMAT', { kind: 'failed', reason: 'refused by beanstalk:127.0.0.1:#: BAD_FORMAT' }],
    [
      'UNKNOWN_COMMAND',
      { kind: 'failed', reason: 'refused by beanstalk:127.0.0.1:#: UNKNOWN_COMMAND' },
    ],
  ])('%s to a put means what the protocol says', async (line, outcome) => {
    const server = await aServer(putAnswers(() => `${line}\r\n`));
    const result = await put(aBeanstalk().action, server.port);
    expect(JSON.parse(JSON.stringify(result).replace(String(server.port), '#'))).toEqual(outcome);
  });

  test.each(['OUT_OF_MEMORY', 'BAD_FORMAT'])('%s to a use keeps the job back', async (line) => {
    const server = await aServer(() => `${line}\r\n`);
    const result = await put(aBeanstalk().action, server.port, { name: 'orders' });
    expect(result).toMatchObject({ kind: line === 'BAD_FORMAT' ? 'failed' : 'retry' });
    expect(server.commands).toEqual(['use orders\r\n']);
  });

  test.each([
    ['of another protocol', 'HTTP/1.1 400 Bad Request\r\n'],
    ['of no protocol', '\0\xff\0\xff\r\n'],
    ['to another command', 'RESERVED 1 1\r\n'],
    ['that is a property of all objects', 'constructor\r\n'],
    ['that is empty', '\r\n'],
    ['of a lone line feed', `INSERTED 1\n${' '.repeat(300)}`],
    ['with another behind it', 'INSERTED 1\r\nINSERTED 2\r\n'],
    ['without end', 'INSERTED '.padEnd(1_000, '1')],
  ])('%s is none, and is tried again', async (_, reply) => {
    const server = await aServer(putAnswers(() => reply));
    expect(await put(aBeanstalk().action, server.port)).toEqual({
      kind: 'retry',
      reason: `no answer from beanstalk:127.0.0.1:${server.port}: it does not speak the beanstalk protocol`,
    });
    await until(() => server.openConnections === 0);
  });

  test('of a use that is a put is none', async () => {
    const server = await aServer(() => 'INSERTED 1\r\n');
    expect(await put(aBeanstalk().action, server.port)).toMatchObject({ kind: 'retry' });
    expect(server.commands).toHaveLength(1);
  });

  test('that comes byte by byte is read as any other', async () => {
    const server = await aServer(
      putAnswers((_, socket) => {
        const bytes = Array.from('INSERTED 77\r\n');
        const next = (): void => {
          const byte = bytes.shift();
          if (byte !== undefined) socket.write(byte, () => setImmediate(next));
        };
        next();
        return undefined;
      }),
    );
    expect(await put(aBeanstalk().action, server.port)).toEqual(done);
  });

  test('without end is cut, not read', async () => {
    let sent = 0;
    const server = await aServer(
      putAnswers((_, socket) => {
        const more = (error?: Error | null): void => {
          if (error) return;
          sent += 65_536;
          if (sent < 1e9) socket.write('x'.repeat(65_536), more);
        };
        more();
        return undefined;
      }),
    );
    expect(await put(aBeanstalk().action, server.port)).toMatchObject({ kind: 'retry' });
    await until(() => server.openConnections === 0);
    expect(sent).toBeLessThan(1e8);
  });
});

describe('the real server', () => {
  test('refuses what is too big for it, finally, and goes on', async () => {
    const server = await BeanstalkServer.start('-z', '100');
    const { action } = aBeanstalk();
    expect(await put(action, server.port, { body: 'x'.repeat(101) })).toEqual({
      kind: 'failed',
      reason: `refused by beanstalk:127.0.0.1:${server.port}: JOB_TOO_BIG`,
    });
    expect(await put(action, server.port, { body: 'x'.repeat(100) })).toEqual(done);
    expect((await server.nextJob('default')).body).toHaveLength(100);
  });

  test('that drains asks to come again', async () => {
    const server = await BeanstalkServer.start();
    await server.drain();
    expect(await put(aBeanstalk().action, server.port)).toEqual({
      kind: 'retry',
      reason: `beanstalk:127.0.0.1:${server.port} answered DRAINING`,
    });
  });

  test('that was killed gives no answer, and gets the next job when it is back', async () => {
    const server = await BeanstalkServer.start();
    const { action } = aBeanstalk();
    expect(await put(action, server.port)).toEqual(done);
    await server.kill();
    expect(await put(action, server.port)).toMatchObject({ kind: 'retry' });
    expect(await put(action, server.port)).toEqual({
      kind: 'retry',
      reason: `no answer from beanstalk:127.0.0.1:${server.port}: ECONNREFUSED`,
    });
    await server.start();
    expect(await put(action, server.port)).toEqual(done);
  });
});

describe('a connection', () => {
  test.each([
    ['before the use is answered', (): undefined => undefined],
    ['after the use', (command: string) => command.replace('use', 'USING')],
  ])('that is cut %s gives no answer', async (_, answer) => {
    const server = await aServer((command, socket) => {
      const reply = command.startsWith('use ') ? answer(command) : undefined;
      if (reply === undefined) socket.destroy();
      return reply;
    });
    const result = await put(aBeanstalk().action, server.port);
    expect(result).toMatchObject({ kind: 'retry' });
    expect(result).toHaveProperty(
      'reason',
      expect.stringMatching(/: (the connection was closed|ECONNRESET|EPIPE)$/),
    );
  });

  test('that is cut within the reply gives no answer', async () => {
    const server = await aServer(putAnswers((_, socket) => void socket.end('INSER')));
    expect(await put(aBeanstalk().action, server.port)).toEqual({
      kind: 'retry',
      reason: `no answer from beanstalk:127.0.0.1:${server.port}: the connection was closed`,
    });
  });

  test('to a name without address gives no answer', async () => {
    const result = await put(aBeanstalk().action, 1, { host: 'nowhere.invalid' });
    expect(result).toMatchObject({ kind: 'retry' });
    expect(result).toHaveProperty('reason', expect.stringContaining('its name has no address'));
  });

  test.each([
    ['the use', (): undefined => undefined],
    ['the put', putAnswers(() => undefined)],
  ])('on which %s is never answered ends with its run, at once', async (_, answer) => {
    const server = await aServer(answer);
    const cut = new AbortController();
    const run = put(aBeanstalk().action, server.port, {}, { signal: cut.signal });
    const commands = answer('', undefined as never) === undefined ? 1 : 2;
    await until(() => server.commands.length >= commands);
    cut.abort(new Error('the deadline'));
    expect(await run).toMatchObject({ kind: 'retry' });
    await until(() => server.openConnections === 0);
  });

  test('is used again by the next plan of its server and tube, and by no other', async () => {
    const server = await aServer(inserted);
    const { action } = aBeanstalk();
    for (const name of ['a', 'a', 'b', 'a', 'b']) await put(action, server.port, { name });
    expect(server.openConnections).toBe(2);
    expect(server.commands.filter((command) => command.startsWith('use '))).toEqual([
      'use a\r\n',
      'use b\r\n',
    ]);
  });

  test('carries one job at a time', async () => {
    const server = await aServer(inserted);
    const { action } = aBeanstalk();
    await Promise.all([put(action, server.port), put(action, server.port)]);
    expect(server.openConnections).toBe(2);
  });

  test('that has been idle for its time is ended', async () => {
    const server = await aServer(inserted);
    const clock = new FakeClock();
    const { action } = aBeanstalk({ idleSeconds: 10 }, clock);
    await put(action, server.port);
    await clock.advance(9);
    expect(server.openConnections).toBe(1);
    await clock.advance(1);
    await until(() => server.openConnections === 0);
    expect(clock.pendingTimers).toBe(0);
  });

  test('on which something came unasked is replaced', async () => {
    const sockets: Socket[] = [];
    const server = await aServer(
      putAnswers((_, socket) => {
        sockets.push(socket);
        return 'INSERTED 1\r\n';
      }),
    );
    const { action } = aBeanstalk();
    await put(action, server.port);
    sockets[0]?.write('INSERTED 2\r\n');
    await until(() => server.openConnections === 0);
    expect(await put(action, server.port)).toEqual(done);
    expect(new Set(sockets)).toHaveProperty('size', 2);
  });

  test('is ended at the close', async () => {
    const server = await aServer(inserted);
    const { action } = aBeanstalk();
    await put(action, server.port);
    await action.close?.();
    await until(() => server.openConnections === 0);
  });
});

test('a plan may limit the runs of its server', () => {
  const { action } = aBeanstalk();
  const prepare = (more: Record<string, string>) =>
    action.prepare(new Map(Object.entries({ body: 'x', host: '::1', ...more })));
  expect(prepare({})).toMatchObject({ origin: 'beanstalk:[::1]:11300' });
  expect(prepare({})).not.toHaveProperty('maxRuns');
  expect(prepare({ max_connections: '3' })).toMatchObject({ maxRuns: 3 });
});

test('neither body nor tube is in the log or in a reason', async () => {
  const server = await aServer(putAnswers(() => 'BAD_FORMAT\r\n'));
  const { action, log } = aBeanstalk();
  const result = await put(action, server.port, { body: 'secret', name: 'private' });
  expect(JSON.stringify([result, log.lines])).not.toMatch(/secret|private/);
  expect(log.lines.map(({ event }) => event)).toEqual(['beanstalk_answered']);
});
