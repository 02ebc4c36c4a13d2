/** Origins kept in memory; further ones are found again in the store. */
const maxKnown = 10_000;
const pageSize = 1_000;

/**
 * Which origins have firings parked in the store, as far as is known: oldest known first. What does not
 * fit is dropped and found again by paging through the store once the known ones are used up.
 */
export class ParkedOrigins {
  readonly #known = new Set<string>();
  readonly #page: (after: string | undefined, limit: number) => Promise<readonly string[]>;
  /** Where the next page starts; undefined when the store holds none that are unknown. */
  #unread: { readonly after: string | undefined } | undefined = { after: undefined };
  /** There may be some before the next page, so it is read from the start once more. */
  #hasMissed = false;

  constructor(page: (after: string | undefined, limit: number) => Promise<readonly string[]>) {
    this.#page = page;
  }

  get size(): number {
    return this.#known.size;
  }

  has(origin: string): boolean {
    return this.#known.has(origin);
  }

  add(origin: string): void {
    if (this.#known.size < maxKnown) this.#known.add(origin);
    else if (!this.#known.has(origin)) this.#hasMissed = true;
  }

  delete(origin: string): void {
    this.#known.delete(origin);
  }

  /** Known origins, oldest first; safe against changes while it is walked. */
  [Symbol.iterator](): Iterator<string> {
    return [...this.#known][Symbol.iterator]();
  }

  /** Others may have parked there, too: the store is read through once more. */
  lookAgain(): void {
    this.#hasMissed = true;
  }

  /** Reads on in the store when few are known; true when there may be something new. */
  async readOn(): Promise<boolean> {
    if (this.#known.size > maxKnown - pageSize) return false;
    if (this.#unread === undefined && this.#hasMissed) {
      this.#unread = { after: undefined };
      this.#hasMissed = false;
    }
    if (this.#unread === undefined) return false;
    const { after } = this.#unread;
    const origins = await this.#page(after, pageSize);
    for (const origin of origins) this.#known.add(origin);
    this.#unread = origins.length < pageSize ? undefined : { after: origins.at(-1) };
    return origins.length > 0;
  }
}
