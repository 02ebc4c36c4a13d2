import type { Answer, Call, CallKind } from './call.ts';

interface Queued {
  readonly call: Call;
  readonly byteCount: number;
  answer: Answer | undefined;
}

/**
 * The calls of one connection: begun side by side, answered in the order they came. Neighbours of one kind
 * run together; where a read follows a change, or a change a read, it waits until those before it have
 * ended. So a call sees what earlier ones of its connection wrote, and nothing of what later ones write. A
 * list, which may be large, waits until every answer before it was taken.
 */
export class CallQueue {
  readonly #onAnswer: () => void;
  readonly #calls: Queued[] = [];
  /** How many of #calls, from the front, were begun, and how many of these, all of #kind, still run. */
  #begun = 0;
  #running = 0;
  #kind: CallKind = 'read';
  #byteCount = 0;

  /** Calls back whenever a call was answered. */
  constructor(onAnswer: () => void) {
    this.#onAnswer = onAnswer;
  }

  get length(): number {
    return this.#calls.length;
  }

  /** Bytes of the messages these calls came in. */
  get byteCount(): number {
    return this.#byteCount;
  }

  add(call: Call, byteCount: number): void {
    this.#calls.push({ call, byteCount, answer: undefined });
    this.#byteCount += byteCount;
  }

  /** Begins what may be begun by now. */
  begin(): void {
    for (let next = this.#calls[this.#begun]; next !== undefined; next = this.#calls[this.#begun]) {
      const { kind } = next.call;
      if (kind === 'list' ? this.#begun > 0 : this.#running > 0 && kind !== this.#kind) return;
      this.#kind = kind;
      this.#begun++;
      this.#running++;
      void this.#run(next);
    }
  }

  async #run(queued: Queued): Promise<void> {
    queued.answer = await queued.call.start();
    this.#running--;
    this.#onAnswer();
  }

  /** Takes the oldest call's answer off; undefined while it has none. */
  takeAnswer(): Answer | undefined {
    const [oldest] = this.#calls;
    if (oldest?.answer === undefined) return undefined;
    this.#calls.shift();
    this.#begun--;
    this.#byteCount -= oldest.byteCount;
    return oldest.answer;
  }
}
