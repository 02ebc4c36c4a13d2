/** A plan that ended after so many claims had begun. */
interface Ended {
  /** Generations before this one have ended. */
  readonly before: number;
  readonly afterClaim: number;
}

/**
 * Which generations were removed or replaced while claims were under way: what such a claim brings of
 * them was taken before they ended, and must not start any more. Remembered only for claims that began
 * before, however many begin meanwhile.
 */
export class EndedPlans {
  /** By key, in the order they ended. */
  readonly #ended = new Map<string, Ended>();
  /** Claims under way, oldest first, by how many had begun. */
  readonly #underWay = new Set<number>();
  #begun = 0;

  get size(): number {
    return this.#ended.size;
  }

  /** Runs a claim and what is made of it; until it resolves, ended plans are remembered for it. */
  async whileClaiming<T>(claim: () => Promise<T>): Promise<T> {
    const number = ++this.#begun;
    this.#underWay.add(number);
    try {
      return await claim();
    } finally {
      this.#underWay.delete(number);
      this.#forget();
    }
  }

  end(key: string, beforeGeneration: number): void {
    if (this.#underWay.size === 0) return;
    this.#ended.delete(key);
    this.#ended.set(key, { before: beforeGeneration, afterClaim: this.#begun });
  }

  has({ key, generation }: { readonly key: string; readonly generation: number }): boolean {
    const ended = this.#ended.get(key);
    return ended !== undefined && generation < ended.before;
  }

  /** Lets go of what ended before the oldest claim under way began. */
  #forget(): void {
    const [oldest = Infinity] = this.#underWay;
    for (const [key, { afterClaim }] of this.#ended) {
      if (afterClaim >= oldest) return;
      this.#ended.delete(key);
    }
  }
}
