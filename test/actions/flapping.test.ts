import type { Socket } from 'node:net';

import { expect, onTestFinished, test, vi } from 'vitest';

import type { Action } from '../../src/actions/action.ts';
import { beanstalkAction, beanstalkDefaults } from '../../src/actions/beanstalk.ts';
import { httpAction, httpDefaults } from '../../src/actions/http.ts';
import { Names } from '../../src/actions/names.ts';
import { thriftAction, thriftDefaults } from '../../src/actions/thrift.ts';
import type { Clock } from '../../src/core/time.ts';
import { binary } from '../../src/wire/binary.ts';
import { forsunService } from '../../src/wire/forsun.ts';
import { writeReply } from '../../src/wire/messages.ts';
import { OutputBuffer } from '../../src/wire/output-buffer.ts';
import { isNightly } from '../support/nightly.ts';
import { RawServer } from './sink.ts';
import { aRun, network, realClock, RecordedLog, until } from './support.ts';

vi.setConfig({ testTimeout: 120_000 });

/** The machine's time, which knows how many of its timers still wait. */
function aCountingClock(): { readonly clock: Clock; readonly timers: Set<object> } {
  const timers = new Set<object>();
  const after: Clock['after'] = (ms, callback) => {
    const timer = {};
    timers.add(timer);
    const cancel = realClock.after(ms, () => {
      timers.delete(timer);
      callback();
    });
    return () => {
      timers.delete(timer);
      cancel();
    };
  };
  return { clock: { ...realClock, after }, timers };
}

const thriftReply = ((): Buffer => {
  const output = new OutputBuffer();
  const header = { name: 'forsun_call', seqid: 0 };
  writeReply(binary.createWriter(output), header, forsunService.forsun_call, {});
  return output.take();
})();

const beanstalkReply = (request: Buffer): string =>
  request.toString().startsWith('use') ? 'USING default\r\n' : 'INSERTED 1\r\n';

/** Each does to a connection what a server may that comes and goes. */
const deeds: readonly ((socket: Socket, reply: string | Buffer) => void)[] = [
  ...Array.from({ length: 6 }, () => (socket: Socket, reply: string | Buffer) => {
    socket.write(reply);
  }),
  (socket) => socket.resetAndDestroy(),
  (socket) => socket.end(),
  (socket, reply) => socket.end(reply),
  (socket, reply) => socket.write(reply, () => socket.resetAndDestroy()),
  (socket, reply) => socket.write(reply.slice(0, 3), () => socket.resetAndDestroy()),
  (socket) => setTimeout(() => socket.destroy(), 5),
];

test.each<[string, (clock: Clock, names: Names) => Action, (request: Buffer) => string | Buffer]>([
  [
    'http',
    (clock, names) =>
      httpAction(httpDefaults, {
        ...network(clock, names),
        clock,
        log: new RecordedLog(),
        version: '1',
      }),
    () => 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  ],
  [
    'thrift',
    (clock, names) =>
      thriftAction(thriftDefaults, { clock, log: new RecordedLog(), ...network(clock, names) }),
    () => thriftReply,
  ],
  [
    'beanstalk',
    (clock, names) =>
      beanstalkAction(beanstalkDefaults, {
        clock,
        log: new RecordedLog(),
        ...network(clock, names),
      }),
    beanstalkReply,
  ],
])(
  '%s keeps neither socket nor timer of many runs at a server that comes and goes',
  async (_, anAction, replyTo) => {
    let connections = 0;
    let requests = 0;
    const server = await RawServer.open((socket) => {
      if (connections++ % 11 === 10) socket.resetAndDestroy();
      socket.on('data', (request) => {
        deeds[(requests++ * 7) % deeds.length]?.(socket, replyTo(request));
      });
    });
    onTestFinished(() => server.close());
    const { clock, timers } = aCountingClock();
    const action = anAction(clock, new Names(clock));
    const { port } = server;
    const prepared = action.prepare(
      new Map(Object.entries({ url: server.url, port: String(port), body: 'x' })),
    );
    const counts = { done: 0, failed: 0, retry: 0 };
    let left = isNightly ? 10_000 : 1_000;
    const runAll = async (): Promise<void> => {
      while (left-- > 0) {
        const cut = new AbortController();
        if (left % 20 === 0) realClock.after(left % 4, () => cut.abort(new Error('the deadline')));
        const { kind } = await prepared.run(aRun({ signal: cut.signal }));
        counts[kind]++;
      }
    };
    await Promise.all(Array.from({ length: 32 }, runAll));
    await action.close?.();
    await until(() => server.openConnections === 0);
    expect(timers.size).toBe(0);
    expect(counts.failed).toBe(0);
    expect(Math.min(counts.done, counts.retry)).toBeGreaterThan(100);
  },
);
