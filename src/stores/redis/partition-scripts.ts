import type { Clock } from '../../core/time.ts';
import {
  RedisAway,
  type ScriptAnswer,
  type ScriptArgument,
  type ScriptRunner,
} from './script-runner.ts';
import type { ScriptName } from './scripts.ts';

const againMs = 50;

export interface PartitionScriptsOptions {
  readonly base: string;
  readonly runner: ScriptRunner;
  readonly clock: Clock;
}

/** The scripts of one partition, each asked again while Redis is away and somebody waits. */
export class PartitionScripts {
  readonly #options: PartitionScriptsOptions;
  #planCount = 0;

  constructor(options: PartitionScriptsOptions) {
    this.#options = options;
  }

  /** Plans in the partition, as the newest answer told. */
  get planCount(): number {
    return this.#planCount;
  }

  /**
   * Rejects with what Redis says against it, and with RedisAway once nobody waits any more. Who waits for
   * less than an answer may take says how long.
   */
  async run(
    name: ScriptName,
    args: readonly ScriptArgument[],
    isWanted: () => boolean,
    answerMs?: number,
  ): Promise<ScriptAnswer['rest']> {
    const { runner, base, clock } = this.#options;
    for (;;) {
      try {
        const { planCount, rest } = await runner.run(name, base, args, answerMs);
        this.#planCount = planCount;
        return rest;
      } catch (error) {
        if (!(error instanceof RedisAway) || !isWanted()) throw error;
      }
      await new Promise<void>((resolve) => clock.after(againMs, resolve));
    }
  }
}
