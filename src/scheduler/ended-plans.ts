/**
 * Which generations were removed or replaced while claims were under way: what such a claim brings of
 * them was taken before they ended, and must not start any more.
 */
export class EndedPlans {
  /** By key: generations before this one have ended. */
  readonly #before = new Map<string, number>();
  #claimsUnderWay = 0;

  /** Runs a claim and what is made of it; until it resolves, ended plans are remembered for it. */
  async whileClaiming<T>(claim: () => Promise<T>): Promise<T> {
    this.#claimsUnderWay += 1;
    try {
      return await claim();
    } finally {
      this.#claimsUnderWay -= 1;
      if (this.#claimsUnderWay === 0) this.#before.clear();
    }
  }

  end(key: string, beforeGeneration: number): void {
    if (this.#claimsUnderWay > 0) this.#before.set(key, beforeGeneration);
  }

  has({ key, generation }: { readonly key: string; readonly generation: number }): boolean {
    const before = this.#before.get(key);
    return before !== undefined && generation < before;
  }
}
