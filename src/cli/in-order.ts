/**
 * What the work makes of each item, in their order; begun for so many items ahead of the reader. Rejects as
 * the first work that failed.
 */
export async function* inOrder<T, R>(
  items: AsyncIterable<T> | Iterable<T>,
  ahead: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const begun: Promise<R>[] = [];
  for await (const item of items) {
    const result = work(item);
    result.catch(() => undefined); // told when its turn comes; if the reader has left before, never
    begun.push(result);
    if (begun.length < ahead) continue;
    const oldest = begun.shift();
    if (oldest !== undefined) yield await oldest;
  }
  for (const result of begun) yield await result;
}

/** What the server takes of one connection at once. */
export const callsAhead = 128;
