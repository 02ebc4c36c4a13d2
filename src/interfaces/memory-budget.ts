/** Who holds memory because of what a client sent or does not take. */
export interface MemoryHolder {
  readonly heldBytes: number;
  /** Closes it; it holds nothing afterwards. */
  cut(event: string, reason: string): void;
}

/** Bounds what all holders hold together: past the limit, whoever holds most goes. */
export class MemoryBudget {
  readonly #limit: number;
  readonly #fullEvent: string;
  readonly #held = new Map<MemoryHolder, number>();
  #total = 0;

  /** `fullEvent` is logged of a holder that had to go. */
  constructor(limitBytes: number, fullEvent: string) {
    this.#limit = limitBytes;
    this.#fullEvent = fullEvent;
  }

  /** To be called when the holder holds more or less than before. */
  note(holder: MemoryHolder): void {
    this.#set(holder, holder.heldBytes);
    while (this.#total > this.#limit) this.#cutLargest();
  }

  #set(holder: MemoryHolder, bytes: number): void {
    const before = this.#held.get(holder) ?? 0;
    if (bytes === before) return;
    this.#total += bytes - before;
    if (bytes === 0) this.#held.delete(holder);
    else this.#held.set(holder, bytes);
  }

  #cutLargest(): void {
    const [largest] = [...this.#held.entries()].sort(([, a], [, b]) => b - a);
    if (largest === undefined) return;
    this.#set(largest[0], 0);
    largest[0].cut(this.#fullEvent, `clients make the server hold over ${this.#limit} bytes`);
  }
}
