import { errors } from 'undici';

import type { Log } from '../core/log.ts';
import type { Clock } from '../core/time.ts';
import type { Action, Outcome, Run } from './action.ts';
import { addressOf, type Dial } from './dial.ts';
import type { Egress } from './egress.ts';
import { firingHeaders } from './firing-headers.ts';
import { type HttpCall, httpCallOf, MAX_REQUEST_SECONDS } from './http-call.ts';
import { HttpConnections, type HttpConnectionSettings, serverOf } from './http-connections.ts';
import { HttpExchange } from './http-exchange.ts';
import { outcomeOf } from './http-outcome.ts';
import { AnswerTooLong, connectionLost, cutOff, noAnswer } from './no-answer.ts';
import { RunCut } from './run-cut.ts';

export interface HttpSettings extends HttpConnectionSettings {
  readonly maxRunsPerOrigin: number;
  readonly connectTimeoutSeconds: number;
  readonly requestTimeoutSeconds: number;
  /** Empty: `forsun/` and the version. */
  readonly userAgent: string;
  readonly maxRedirects: number;
  /** Bytes read of an answer's body; a longer one ends the connection, not the success. */
  readonly maxResponseBytes: number;
}

export const httpDefaults: HttpSettings = {
  maxRunsPerOrigin: 64,
  connectTimeoutSeconds: 5,
  requestTimeoutSeconds: 60,
  userAgent: '',
  maxRedirects: 5,
  maxResponseBytes: 64 * 1024,
  maxResponseHeaderBytes: 16 * 1024,
  /**
   * Less than two: plans fire at whole seconds and servers close idle connections after whole seconds, two
   * at least, so a request never meets the closing one.
   */
  idleSeconds: 1.5,
  maxIdle: 1_024,
};

export interface HttpDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly dial: Dial;
  readonly egress: Egress;
  readonly version: string;
}

/** Sends one HTTP request per run; http-outcome.ts says what its answer means. */
export function httpAction(settings: HttpSettings, deps: HttpDeps): Action {
  const { clock, log, dial, egress } = deps;
  const connections = new HttpConnections(clock, dial, settings);
  const defaults = {
    ...settings,
    userAgent: settings.userAgent === '' ? `forsun/${deps.version}` : settings.userAgent,
  };

  const runCall = async (call: HttpCall, run: Run): Promise<Outcome> => {
    const cut = new RunCut(clock, run.signal, call.requestTimeoutSeconds);
    const exchange = new HttpExchange(connections, settings, firingHeaders(run), cut.signal);
    try {
      const answer = await exchange.follow(call);
      if (answer.kind === 'lost') return { kind: 'failed', reason: answer.reason };
      const { status, retryAfter } = answer;
      const { origin } = exchange;
      log.debug('http_answered', { key: run.key, fire_id: run.fireId, origin, status });
      return outcomeOf(origin, status, retryAfter, clock.nowMs());
    } catch (error) {
      const { origin } = exchange;
      if (cut.reason !== undefined) return noAnswer(origin, cut.reason);
      if (error instanceof errors.HeadersOverflowError) {
        return cutOff(origin, new AnswerTooLong(settings.maxResponseHeaderBytes));
      }
      return error instanceof errors.HTTPParserError
        ? noAnswer(origin, 'it does not speak HTTP/1.1')
        : connectionLost(origin, error);
    } finally {
      cut.forget();
    }
  };

  return {
    name: 'http',
    maxRunsPerOrigin: settings.maxRunsPerOrigin,
    timeoutSeconds: MAX_REQUEST_SECONDS, // request_timeout is the real one
    retriesDeadline: true,
    prepare(params) {
      const call = httpCallOf(params, defaults);
      const server = serverOf(call.url);
      egress.check('http', 'url', server);
      const origin = `http:${call.url.protocol}//${addressOf(server)}`; // the default port too
      return { origin, run: (run) => runCall(call, run) };
    },
    async close() {
      connections.close();
    },
  };
}
