import { z } from 'zod';

import type { Log } from '../core/log.ts';
import type { Params } from '../core/plan.ts';
import type { Clock } from '../core/time.ts';
import type { Action, Outcome, Run } from './action.ts';
import { type ConnectionLimits, Connections } from './connections.ts';
import { addressOf, type Dial } from './dial.ts';
import type { Egress } from './egress.ts';
import { AnswerTooLong, connectionLost, cutOff } from './no-answer.ts';
import {
  badParam,
  paramFacts,
  type ParamFacts,
  readParams,
  serverParams,
  wholeNumber,
} from './param-schema.ts';
import {
  leaveNoTrace,
  readRedisCommands,
  type RedisCommand,
  UnfitCommands,
} from './redis-commands.ts';
import { isErrorReply, RedisConnection } from './redis-connection.ts';
import { outcomeOf, outcomeOfError } from './redis-outcome.ts';
import { ConnectionRefused } from './redis-reply-guard.ts';

export interface RedisSettings extends ConnectionLimits {
  readonly maxRunsPerOrigin: number;
  readonly connectTimeoutSeconds: number;
  /** For all of a run. */
  readonly timeoutSeconds: number;
  /** Bytes of all replies to one run; more end the connection. */
  readonly maxReplyBytes: number;
}

export const redisDefaults: RedisSettings = {
  maxRunsPerOrigin: 8,
  connectTimeoutSeconds: 5,
  timeoutSeconds: 60,
  maxReplyBytes: 1024 * 1024,
  idleSeconds: 7_200,
  maxIdle: 256,
};

export interface RedisDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly dial: Dial;
  readonly egress: Egress;
}

const commandFacts: ParamFacts = {
  expected: 'Redis commands, separated by ";"',
  isSecret: true, // its arguments are
};

export const redisParams = z.object({
  ...serverParams({ port: 6379 }),
  selected_db: wholeNumber(0, 2 ** 31 - 1)
    .default(0)
    .register(paramFacts, { expected: 'the number of a database, from 0; default: 0' }),
  username: z.string().optional().register(paramFacts, { expected: 'the name of a Redis user' }),
  password: z
    .string()
    .optional()
    .register(paramFacts, { expected: 'the password of that user', isSecret: true }),
  command: z.string().register(paramFacts, commandFacts),
});

interface Call {
  readonly origin: string;
  readonly identity: string;
  readonly server: z.output<typeof redisParams>;
  readonly commands: readonly RedisCommand[];
}

/** Sends a plan's commands as one pipeline per run; redis-outcome.ts says what their replies mean. */
export function redisAction(
  settings: RedisSettings,
  { clock, log, dial, egress }: RedisDeps,
): Action {
  const connections = new Connections<RedisConnection>(clock, settings);

  const open = async ({ server }: Call, signal: AbortSignal): Promise<RedisConnection> => {
    const { host, port } = server;
    const timeoutSeconds = settings.connectTimeoutSeconds;
    const socket = await dial({ host, port, timeoutSeconds, signal });
    return RedisConnection.over(socket, {
      signal,
      maxReplyBytes: settings.maxReplyBytes,
      greeting: greetingOf(server),
    });
  };

  const sendAll = async (call: Call, run: Run): Promise<Outcome> => {
    try {
      const replies = await connections.lend(
        call.identity,
        (signal) => open(call, signal),
        run.signal,
        async (connection) => {
          const replies = await connection.send(call.commands);
          if (!leaveNoTrace(call.commands) || replies.some(isErrorReply)) connection.end();
          return replies;
        },
      );
      const { key, fireId: fire_id } = run;
      log.debug('redis_answered', { key, fire_id, origin: call.origin, replies: replies.length });
      return outcomeOf(call.origin, call.commands, replies);
    } catch (error) {
      return outcomeOfLoss(call.origin, error);
    }
  };

  return {
    name: 'redis',
    maxRunsPerOrigin: settings.maxRunsPerOrigin,
    timeoutSeconds: settings.timeoutSeconds,
    retriesDeadline: true,
    prepare(params) {
      const call = callOf(params);
      egress.check('redis', 'host', call.server);
      const maxRuns = call.server.max_connections;
      return {
        origin: call.origin,
        ...(maxRuns === undefined ? {} : { maxRuns }),
        run: (run) => sendAll(call, run),
      };
    },
    close: async () => connections.close(),
  };
}

function callOf(params: Params): Call {
  const server = readParams('redis', redisParams, params);
  const { host, port, selected_db, username = null, password = null } = server;
  return {
    origin: `redis:${addressOf(server)}`,
    identity: JSON.stringify([host, port, selected_db, username, password]),
    server,
    commands: commandsOf(server.command),
  };
}

function commandsOf(text: string): readonly RedisCommand[] {
  try {
    return readRedisCommands(text);
  } catch (error) {
    if (!(error instanceof UnfitCommands)) throw error;
    throw badParam('redis', 'command', text, { ...commandFacts, expected: error.message });
  }
}

/** What makes a connection its plan's; nothing else is sent before it has succeeded. */
function greetingOf({ username, password, selected_db }: Call['server']): readonly RedisCommand[] {
  const user = username === undefined ? [] : [username];
  const isNamed = username !== undefined || password !== undefined;
  return [
    ...(isNamed ? [{ name: 'AUTH', args: [...user, password ?? ''] }] : []),
    ...(selected_db === 0 ? [] : [{ name: 'SELECT', args: [String(selected_db)] }]),
  ];
}

function outcomeOfLoss(origin: string, error: unknown): Outcome {
  if (error instanceof ConnectionRefused) {
    return outcomeOfError(origin, error.reply, error.to, true);
  }
  if (error instanceof AnswerTooLong) return cutOff(origin, error);
  return connectionLost(origin, error);
}
