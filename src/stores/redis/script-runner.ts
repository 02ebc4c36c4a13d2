import type { Cluster, Redis } from 'ioredis';

import type { Clock } from '../../core/time.ts';
import { type ScriptName, scripts } from './scripts.ts';

export type ScriptArgument = string | number | Buffer;

/** What a script answered behind its clock and its count of plans. */
export interface ScriptAnswer {
  readonly planCount: number;
  readonly rest: readonly unknown[];
}

/** Redis does not answer, or answers that it cannot just now: the same may be asked again. */
export class RedisAway extends Error {
  override readonly name = 'RedisAway';
}

/** That is why it failed, and not what Redis answered. */
export const isRedisAway = (error: unknown): boolean =>
  error instanceof RedisAway || (error instanceof Error && error.cause instanceof RedisAway);

export interface ScriptRunnerOptions {
  readonly client: Redis | Cluster;
  readonly clock: Clock;
  /** Told what Redis's clock said, in microseconds. */
  readonly onTime: (micros: number) => void;
  /** An answer that takes longer counts as none, at the most. */
  readonly answerMs: number;
}

type Run = (base: string, ...args: readonly ScriptArgument[]) => Promise<unknown>;

/** Replies of a Redis that starts, changes its role, is busy, or has too few replicas just now. */
const passing =
  /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY|NOREPLICAS|MISCONF|UNBLOCKED)\b/;

/** Runs the store's scripts on one Redis, each on the partition of its base. */
export class ScriptRunner {
  readonly #options: ScriptRunnerOptions;
  readonly #commands: Readonly<Record<ScriptName, Run>>;
  #isAway = false;

  constructor(options: ScriptRunnerOptions) {
    this.#options = options;
    const { client } = options;
    const names = Object.keys(scripts) as ScriptName[];
    const commands = names.map((name) => [name, defined(client, name)] as const);
    this.#commands = Object.fromEntries(commands) as Record<ScriptName, Run>;
  }

  /** The newest that was asked was not answered. */
  get isAway(): boolean {
    return this.#isAway;
  }

  /**
   * Rejects with RedisAway when the same may be asked again; whether it was done is then not known. An
   * answer is waited for as long as that, and no longer than for any.
   */
  async run(
    name: ScriptName,
    base: string,
    args: readonly ScriptArgument[] = [],
    patienceMs = Infinity,
  ): Promise<ScriptAnswer> {
    const answerMs = Math.min(patienceMs, this.#options.answerMs);
    const answer = await this.#answered(name, base, args, answerMs).catch((error: unknown) => {
      this.#isAway = error instanceof RedisAway;
      throw error;
    });
    this.#isAway = false;
    if (!Array.isArray(answer)) throw new TypeError(`the script ${name} answers no list`);
    const [micros, planCount, ...rest] = answer as readonly unknown[];
    this.#options.onTime(Number(micros));
    return { planCount: Number(planCount), rest };
  }

  async #answered(
    name: ScriptName,
    base: string,
    args: readonly ScriptArgument[],
    answerMs: number,
  ): Promise<unknown> {
    const { clock } = this.#options;
    return new Promise((resolve, reject) => {
      const cancel = clock.after(answerMs, () =>
        reject(new RedisAway(`Redis did not answer in ${answerMs} ms`)),
      );
      this.#commands[name](base, ...args).then(
        (answer) => {
          cancel();
          resolve(answer);
        },
        (error: unknown) => {
          cancel();
          reject(told(error));
        },
      );
    });
  }
}

/** A defined command sends the script's digest, and the script itself to a Redis that does not know it. */
function defined(client: Redis | Cluster, name: ScriptName): Run {
  const command = `forsun_${name}`;
  client.defineCommand(command, { numberOfKeys: 1, lua: scripts[name] });
  const run = (client as unknown as Record<string, Run | undefined>)[`${command}Buffer`];
  if (run === undefined) throw new TypeError('ioredis does not define commands as it did');
  return run.bind(client);
}

function told(error: unknown): Error {
  const message = error instanceof Error ? error.message : String(error);
  const isReply = error instanceof Error && error.name === 'ReplyError';
  if (isReply && !passing.test(message)) return error;
  const isUnsent = message.startsWith("Stream isn't writeable");
  return new RedisAway(isUnsent ? 'there is no connection to Redis' : message, { cause: error });
}
