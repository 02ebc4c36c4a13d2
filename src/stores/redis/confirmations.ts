import type { Firing } from '../../core/firing.ts';
import type { Clock } from '../../core/time.ts';
import { heldMember, numberText } from './keys.ts';
import type { RedisPartition } from './partition.ts';

/** An answer older than this says nothing of now any more. */
const confirmationMs = 1_000;
/** Firings asked of by one script. */
const maxAsked = 256;

export interface ConfirmationsOptions {
  readonly partition: Pick<RedisPartition, 'ask' | 'session'>;
  readonly clock: Clock;
  /** Under which the firing was claimed; undefined when it is not handed out as that attempt any more. */
  readonly sessionOf: (firing: Firing) => string | undefined;
}

interface Asked {
  readonly firing: Firing;
  readonly resolve: (isOurs: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Asks one partition whether firings are still this node's to run. All that is asked while an answer is
 * under way is asked together; other partitions neither wait for it nor hold it up, so that no answer grows
 * old on its way to the run.
 */
export class Confirmations {
  readonly #options: ConfirmationsOptions;
  #asked: Asked[] = [];
  #asking: Promise<void> | undefined;

  constructor(options: ConfirmationsOptions) {
    this.#options = options;
  }

  /** Rejects when it cannot be told. */
  of(firing: Firing): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#asked.push({ firing, resolve, reject });
      this.#asking ??= this.#ask();
    });
  }

  async #ask(): Promise<void> {
    // All that starts in one turn of the loop is asked at once.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#asked.length > 0) {
      const piece = this.#asked.splice(0, maxAsked);
      try {
        await this.#answer(piece);
      } catch (error) {
        for (const one of [...piece, ...this.#asked.splice(0)]) one.reject(error);
      }
    }
    // In the same step as the last look at what is asked, or a call in between would go unheard.
    this.#asking = undefined;
  }

  async #answer(piece: readonly Asked[]): Promise<void> {
    const { clock, partition, sessionOf } = this.#options;
    const askedMs = clock.monotonicMs();
    const { session } = partition;
    // What was claimed under another session is lost with it, though this node may hold it anew.
    const ours = piece.filter(({ firing }) => sessionOf(firing) === session);
    const answers = await this.#answers(session, ours);
    if (clock.monotonicMs() - askedMs > confirmationMs) {
      this.#asked.unshift(...piece);
      return;
    }
    // Of the first ones: of all, unless their plans are large.
    const answered = new Map(ours.map((one, at) => [one, answers[at]]));
    for (const one of piece) {
      if (!answered.has(one)) one.resolve(false);
      else if (answered.get(one) !== undefined) one.resolve(answered.get(one) === 1);
      else this.#asked.push(one);
    }
  }

  async #answers(session: string, asked: readonly Asked[]): Promise<readonly unknown[]> {
    if (asked.length === 0) return [];
    const args = asked.flatMap(({ firing }) => [
      firing.key,
      numberText(firing.generation),
      heldMember(firing.key, firing),
    ]);
    const { partition } = this.#options;
    const [answers] = await partition.ask('confirm', [session, ...args], confirmationMs);
    return answers as readonly unknown[];
  }
}
