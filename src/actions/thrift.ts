import { z } from 'zod';

import type { Log } from '../core/log.ts';
import type { Params } from '../core/plan.ts';
import type { Clock } from '../core/time.ts';
import { binary } from '../wire/binary.ts';
import { compact } from '../wire/compact.ts';
import { forsunService } from '../wire/forsun.ts';
import { type Dialect, writeFrame } from '../wire/framing.ts';
import { writeCall } from '../wire/messages.ts';
import { OutputBuffer } from '../wire/output-buffer.ts';
import type { Action, Outcome, Run } from './action.ts';
import { type ConnectionLimits, Connections } from './connections.ts';
import { addressOf, type Dial } from './dial.ts';
import type { Egress } from './egress.ts';
import { AnswerTooLong, connectionLost, cutOff, refused } from './no-answer.ts';
import { paramFacts, readParams, serverParams } from './param-schema.ts';
import { type ThriftAnswer, ThriftConnection } from './thrift-connection.ts';

export interface ThriftSettings extends ConnectionLimits {
  readonly maxRunsPerOrigin: number;
  readonly connectTimeoutSeconds: number;
  /** For all of a run. */
  readonly timeoutSeconds: number;
  /** Bytes of a reply; a longer one is cut off. */
  readonly maxReplyBytes: number;
}

export const thriftDefaults: ThriftSettings = {
  maxRunsPerOrigin: 64,
  connectTimeoutSeconds: 5,
  timeoutSeconds: 60,
  maxReplyBytes: 64 * 1024,
  idleSeconds: 120,
  maxIdle: 256,
};

export interface ThriftDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly dial: Dial;
  readonly egress: Egress;
}

const protocols = { binary, compact };

export const thriftParams = z.object({
  ...serverParams({ port: 5_643 }),
  framed: z.enum(['true', 'false']).default('false').register(paramFacts, {
    expected: 'true (a frame around each message) or false; default: false',
  }),
  protocol: z.enum(['binary', 'compact']).default('binary').register(paramFacts, {
    expected: 'binary or compact; default: binary',
  }),
});

type Target = z.output<typeof thriftParams>;

/** Replies are told by their order on a connection, as by all clients of forsun.thrift. */
const call = { name: 'forsun_call', seqid: 0 } as const;

/** Calls forsun_call of forsun.thrift once per run, with all params of the plan. */
export function thriftAction(
  settings: ThriftSettings,
  { clock, log, dial, egress }: ThriftDeps,
): Action {
  const connections = new Connections<ThriftConnection>(clock, settings);
  const { connectTimeoutSeconds: timeoutSeconds, maxReplyBytes } = settings;
  const output = new OutputBuffer();

  const runCall = async (
    { host, port, ...target }: Target,
    origin: string,
    params: Params,
    run: Run,
  ): Promise<Outcome> => {
    const dialect = { protocol: protocols[target.protocol], framed: target.framed === 'true' };
    try {
      const answer = await connections.lend(
        JSON.stringify([host, port, target.framed, target.protocol]),
        async (signal) => {
          const socket = await dial({ host, port, timeoutSeconds, signal });
          return new ThriftConnection(socket, dialect, maxReplyBytes);
        },
        run.signal,
        (connection) => connection.call(messageOf(output, dialect, params, run), call),
      );
      const { key, fireId: fire_id } = run;
      log.debug('thrift_answered', { key, fire_id, origin, answer: answer.kind });
      return outcomeOf(origin, answer);
    } catch (error) {
      if (error instanceof AnswerTooLong) return cutOff(origin, error);
      return connectionLost(origin, error);
    }
  };

  return {
    name: 'thrift',
    maxRunsPerOrigin: settings.maxRunsPerOrigin,
    timeoutSeconds: settings.timeoutSeconds,
    retriesDeadline: true,
    prepare(params) {
      const target = readParams('thrift', thriftParams, params);
      egress.check('thrift', 'host', target);
      const origin = `thrift:${addressOf(target)}`;
      return {
        origin,
        ...(target.max_connections === undefined ? {} : { maxRuns: target.max_connections }),
        run: (run) => runCall(target, origin, params, run),
      };
    },
    close: async () => connections.close(),
  };
}

/** What tells a receiver which firing it gets stands among the params, under names no plan can have. */
function messageOf(
  output: OutputBuffer,
  { protocol, framed }: Dialect,
  params: Params,
  { key, fireTime, fireId, attempt }: Run,
): Buffer {
  const args = {
    key,
    ts: fireTime,
    params: new Map(params).set('forsun.fire_id', fireId).set('forsun.attempt', String(attempt)),
  };
  const write = (): void =>
    writeCall(protocol.createWriter(output), call, forsunService.forsun_call, args);
  if (framed) writeFrame(output, write);
  else write();
  return output.take();
}

function outcomeOf(origin: string, answer: ThriftAnswer): Outcome {
  switch (answer.kind) {
    case 'done':
      return { kind: 'done' };
    case 'declared_exception':
      return refused(origin, 'an exception that its own contract declares');
    case 'application_exception':
      return refused(origin, `TApplicationException ${answer.type}`);
    default:
      return answer satisfies never;
  }
}
