/** What is open, oldest first. Closed newest first, so nothing loses what it leans on. */
export class Closers {
  readonly #open: (() => Promise<void>)[] = [];

  /** Runs `start`; if it fails half-way, closes what it had opened and rethrows. */
  static async opening(start: (closers: Closers) => Promise<void>): Promise<Closers> {
    const closers = new Closers();
    try {
      await start(closers);
      return closers;
    } catch (error) {
      // The reason of the failed start is what the caller must hear, not what followed from it.
      await closers.close().catch(() => undefined);
      throw error;
    }
  }

  add(close: () => Promise<void>): void {
    this.#open.push(close);
  }

  /** Safe to call twice. Every closer runs even if some fail; the errors come out together. */
  async close(): Promise<void> {
    const errors: unknown[] = [];
    for (const close of this.#open.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'shutdown was not clean');
  }
}
