import { z } from 'zod';

import type { Log } from '../core/log.ts';
import type { Clock } from '../core/time.ts';
import type { Action, Outcome, Run } from './action.ts';
import { type ConnectionLimits, Connections } from './connections.ts';
import { addressOf, type Dial } from './dial.ts';
import type { Egress } from './egress.ts';
import { type AnswerReader, ExchangeConnection } from './exchange-connection.ts';
import { connectionLost, refused, Unanswered } from './no-answer.ts';
import { paramFacts, readParams, serverParams, wholeNumber } from './param-schema.ts';

export interface BeanstalkSettings extends ConnectionLimits {
  readonly maxRunsPerOrigin: number;
  readonly connectTimeoutSeconds: number;
  /** For all of a run. */
  readonly timeoutSeconds: number;
}

export const beanstalkDefaults: BeanstalkSettings = {
  maxRunsPerOrigin: 8,
  connectTimeoutSeconds: 5,
  timeoutSeconds: 30,
  idleSeconds: 120,
  maxIdle: 256,
};

export interface BeanstalkDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly dial: Dial;
  readonly egress: Egress;
}

/** What the protocol allows in the name of a tube. */
const tubeName = z.string().regex(/^(?!-)[A-Za-z0-9+/;.$_()-]{1,200}$/);

const unsigned32 = (min = 0) => wholeNumber(min, 2 ** 32 - 1);

export const beanstalkParams = z.object({
  ...serverParams({ port: 11_300 }),
  name: tubeName.default('default').register(paramFacts, {
    expected: 'a tube: 1 to 200 of letters, digits and -+/;.$_(), not - first; default: default',
  }),
  body: z.string().register(paramFacts, { expected: 'text', isSecret: true }),
  priority: unsigned32()
    .default(2 ** 31)
    .register(paramFacts, {
      expected: '0 (most urgent) to 4294967295; default: 2147483648',
    }),
  delay: unsigned32().default(0).register(paramFacts, {
    expected: 'seconds before a worker gets the job, 0 to 4294967295; default: 0',
  }),
  ttr: unsigned32(1).default(7_200).register(paramFacts, {
    expected: 'seconds a worker may take, 1 to 4294967295; default: 7200',
  }),
});

type Job = z.output<typeof beanstalkParams>;

/** Puts one job into a tube per run. */
export function beanstalkAction(
  settings: BeanstalkSettings,
  { clock, log, dial, egress }: BeanstalkDeps,
): Action {
  const connections = new Connections<TubeConnection>(clock, settings);

  const runJob = async (job: Job, origin: string, run: Run): Promise<Outcome> => {
    const { host, port, name } = job;
    const timeoutSeconds = settings.connectTimeoutSeconds;
    try {
      const refusal = await connections.lend(
        JSON.stringify([host, port, name]),
        async (signal) => new TubeConnection(await dial({ host, port, timeoutSeconds, signal })),
        run.signal,
        (connection) => connection.put(job),
      );
      const { key, fireId: fire_id } = run;
      log.debug('beanstalk_answered', { key, fire_id, origin, reply: refusal ?? 'INSERTED' });
      return outcomeOf(origin, refusal);
    } catch (error) {
      return connectionLost(origin, error);
    }
  };

  return {
    name: 'beanstalk',
    maxRunsPerOrigin: settings.maxRunsPerOrigin,
    timeoutSeconds: settings.timeoutSeconds,
    retriesDeadline: true,
    prepare(params) {
      const job = readParams('beanstalk', beanstalkParams, params);
      egress.check('beanstalk', 'host', job);
      const origin = `beanstalk:${addressOf(job)}`;
      return {
        origin,
        ...(job.max_connections === undefined ? {} : { maxRuns: job.max_connections }),
        run: (run) => runJob(job, origin, run),
      };
    },
    close: async () => connections.close(),
  };
}

/** A connection that puts into one tube. */
class TubeConnection extends ExchangeConnection {
  #isInTube = false;

  /** Undefined once the job is in the tube. A refusal ends the connection. */
  async put({ name, priority, delay, ttr, body }: Job): Promise<Refusal | undefined> {
    // Not sent together with the put: were it refused, the job would go to another tube.
    if (!this.#isInTube) {
      const refusal = await this.#ask(`use ${name}\r\n`, 'USING');
      if (refusal !== undefined) return refusal;
      this.#isInTube = true;
    }
    const head = `put ${priority} ${delay} ${ttr} ${Buffer.byteLength(body)}`;
    return this.#ask(`${head}\r\n${body}\r\n`, 'INSERTED');
  }

  async #ask(command: string, expected: string): Promise<Refusal | undefined> {
    const [word = ''] = (await this.exchange(command, replyLine())).split(' ');
    if (word === expected) return undefined;
    this.end();
    if (!isRefusal(word)) throw notBeanstalk();
    return word;
  }
}

/** The replies that say no; true: the server asks to come again. */
const refusals = {
  DRAINING: true,
  OUT_OF_MEMORY: true,
  INTERNAL_ERROR: true,
  // The server keeps the job, and gives it to no worker before it is kicked: another would be one too many.
  BURIED: false,
  JOB_TOO_BIG: false,
  EXPECTED_CRLF: false,
  BAD_FORMAT: false,
  UNKNOWN_COMMAND: false,
} as const;

type Refusal = keyof typeof refusals;

const isRefusal = (word: string): word is Refusal => Object.hasOwn(refusals, word);

function outcomeOf(origin: string, refusal: Refusal | undefined): Outcome {
  if (refusal === undefined) return { kind: 'done' };
  return refusals[refusal]
    ? { kind: 'retry', reason: `${origin} answered ${refusal}` }
    : refused(origin, refusal);
}

/** No reply is longer: the longest names a tube. */
const MAX_REPLY_BYTES = 256;

/** One line that ends in CR LF, with nothing behind it. */
function replyLine(): AnswerReader<string> {
  let text = '';
  return (chunk) => {
    text += chunk.toString('latin1', 0, MAX_REPLY_BYTES);
    const end = text.indexOf('\r\n');
    if (end >= 0 && end + 2 === text.length) return text.slice(0, end);
    if (end >= 0 || text.length >= MAX_REPLY_BYTES) throw notBeanstalk();
    return undefined;
  };
}

const notBeanstalk = (): Unanswered => new Unanswered('it does not speak the beanstalk protocol');
