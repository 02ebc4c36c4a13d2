import type { Clock } from '../../core/time.ts';
import type { RedisPartition } from './partition.ts';
import { isRedisAway } from './script-runner.ts';

/** Between two looks whether it answers again, and how long one waits. */
const probeMs = 1_000;
const answerMs = 500;
/** The same damage is told once in that time. */
const toldMs = 60_000;

export interface FailingPartitionsOptions {
  /** All of the store; where there is but one, it is never left out. */
  readonly partitions: readonly RedisPartition[];
  readonly clock: Clock;
  readonly onFailing: (partition: RedisPartition, error: unknown) => void;
  /** Redis answers there, and refuses: what it is given under some of the keys is not ours. */
  readonly onDamaged: (partition: RedisPartition, error: unknown) => void;
  readonly onAnswering: (partition: RedisPartition) => void;
}

/**
 * Partitions that did not answer when they were last asked: one lost shard of a cluster holds up no plan
 * of the others. They are left out until they answer again. One that answers, though it refuses, costs no
 * waiting and is asked on: what is damaged in it keeps nothing else there from firing.
 */
export class FailingPartitions {
  readonly #options: FailingPartitionsOptions;
  readonly #failing = new Set<RedisPartition>();
  readonly #damaged = new Map<
    RedisPartition,
    { readonly text: string; readonly untilMs: number }
  >();
  #isClosed = false;

  constructor(options: FailingPartitionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#failing.size;
  }

  has(partition: RedisPartition): boolean {
    return this.#failing.has(partition);
  }

  /** Those to ask, in that order: where all fail, any may be the first to answer again. */
  usable(partitions: readonly RedisPartition[]): readonly RedisPartition[] {
    const usable = partitions.filter((partition) => !this.#failing.has(partition));
    return usable.length > 0 ? usable : partitions;
  }

  /**
   * Something failed in it. If it did not answer, it is left out, and with it go those that do not either:
   * its shard has others, each of which would be waited for.
   */
  async add(partition: RedisPartition, error: unknown): Promise<void> {
    const { partitions } = this.#options;
    if (partitions.length === 1 || this.#isClosed || this.has(partition)) return;
    if (!isRedisAway(error)) {
      this.#tellDamage(partition, String(error));
      return;
    }
    this.#leaveOut(partition, error);
    const others = partitions.filter((other) => !this.has(other));
    await Promise.all(
      others.map((other) => probe(other).catch((why: unknown) => this.#leaveOut(other, why))),
    );
  }

  close(): void {
    this.#isClosed = true;
  }

  #tellDamage(partition: RedisPartition, text: string): void {
    const nowMs = this.#options.clock.monotonicMs();
    const told = this.#damaged.get(partition);
    if (told?.text === text && nowMs < told.untilMs) return;
    this.#damaged.set(partition, { text, untilMs: nowMs + toldMs });
    this.#options.onDamaged(partition, text);
  }

  #leaveOut(partition: RedisPartition, error: unknown): void {
    if (this.#isClosed || this.has(partition)) return;
    this.#failing.add(partition);
    this.#options.onFailing(partition, error);
    void this.#untilItAnswers(partition);
  }

  async #untilItAnswers(partition: RedisPartition): Promise<void> {
    const { clock, onAnswering } = this.#options;
    for (let answers = false; !answers;) {
      await new Promise<void>((resolve) => clock.after(probeMs, resolve));
      if (this.#isClosed) return;
      answers = await probe(partition).then(
        () => true,
        () => false,
      );
    }
    this.#failing.delete(partition);
    onAnswering(partition);
  }
}

const probe = (partition: RedisPartition): Promise<unknown> =>
  partition.ask('origins', ['', 1], answerMs);
