import type { UnixSeconds } from './time.ts';

/** What a wheel holds; told apart by identity. */
export interface Timed {
  readonly due: UnixSeconds;
  /** What it costs in memory, as its owner reckons. */
  readonly bytes: number;
}

/**
 * What is due soon, one slot a second. Any second will do, past ones too. It knows how much it holds, and
 * can let go of what is due last; to keep it within bounds is its owner's part.
 */
export class TimerWheel<T extends Timed> {
  readonly #slots = new Map<UnixSeconds, Set<T>>();
  /** The seconds that have a slot, in order. Few are far apart: a wheel spans a short horizon. */
  readonly #seconds: UnixSeconds[] = [];
  #size = 0;
  #bytes = 0;

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The earliest second that has something due. */
  get earliest(): UnixSeconds | undefined {
    return this.#seconds[0];
  }

  /** The last second that has something due. */
  get farthest(): UnixSeconds | undefined {
    return this.#seconds.at(-1);
  }

  /** Adding what is there changes nothing. */
  add(item: T): void {
    let slot = this.#slots.get(item.due);
    if (slot === undefined) {
      slot = new Set();
      this.#slots.set(item.due, slot);
      this.#seconds.splice(this.#position(item.due), 0, item.due);
    }
    if (slot.has(item)) return;
    slot.add(item);
    this.#size++;
    this.#bytes += item.bytes;
  }

  /** False when it was not there. */
  remove(item: T): boolean {
    const slot = this.#slots.get(item.due);
    if (slot?.delete(item) !== true) return false;
    this.#size--;
    this.#bytes -= item.bytes;
    if (slot.size === 0) this.#dropSlot(item.due);
    return true;
  }

  /** What is due by then, earliest second first, in a second as it was added. Removes nothing. */
  *due(until: UnixSeconds): Generator<T> {
    for (const second of this.#seconds) {
      if (second > until) return;
      yield* this.slot(second);
    }
  }

  /** What is due in that one second, as it was added. */
  slot(second: UnixSeconds): Iterable<T> {
    return this.#slots.get(second) ?? [];
  }

  clear(): void {
    this.#slots.clear();
    this.#seconds.length = 0;
    this.#size = 0;
    this.#bytes = 0;
  }

  #dropSlot(second: UnixSeconds): void {
    this.#slots.delete(second);
    if (this.#seconds[0] === second) this.#seconds.shift();
    else this.#seconds.splice(this.#position(second), 1);
  }

  /** Where that second stands among the seconds, or would. */
  #position(second: UnixSeconds): number {
    let low = 0;
    let high = this.#seconds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const there = this.#seconds[middle];
      if (there !== undefined && there < second) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
