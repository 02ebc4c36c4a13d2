/** Keys in [from, to). */
export interface Span {
  readonly from: Buffer;
  readonly to: Buffer;
}

const maxSpans = 64;

/**
 * Where on disk late due times may still be: disjoint spans in order, so that what was claimed is not
 * walked again. Many spans become fewer, wider ones: it may say too much, never too little.
 */
export class LateBacklog {
  #spans: readonly Span[] = [];

  /** In order. */
  get spans(): readonly Span[] {
    return this.#spans;
  }

  hasSpanBelow(key: Buffer): boolean {
    const [first] = this.#spans;
    return first !== undefined && Buffer.compare(first.from, key) < 0;
  }

  clear(): void {
    this.#spans = [];
  }

  add({ from, to }: Span): void {
    if (Buffer.compare(from, to) >= 0) return;
    const before = this.#spans.filter((span) => Buffer.compare(span.to, from) < 0);
    const after = this.#spans.filter((span) => Buffer.compare(span.from, to) > 0);
    const touched = this.#spans.slice(before.length, this.#spans.length - after.length);
    const first = touched[0]?.from ?? from;
    const last = touched.at(-1)?.to ?? to;
    const merged = { from: least(first, from), to: greatest(last, to) };
    this.#spans = fewer([...before, merged, ...after]);
  }

  /** Nothing is left below that key. */
  cutBelow(key: Buffer): void {
    this.#spans = this.#spans.flatMap(({ from, to }) =>
      Buffer.compare(to, key) <= 0 ? [] : [{ from: greatest(from, key), to }],
    );
  }

  /** Nothing is left from that key on. */
  cutFrom(key: Buffer): void {
    this.#spans = this.#spans.flatMap(({ from, to }) =>
      Buffer.compare(from, key) >= 0 ? [] : [{ from, to: least(to, key) }],
    );
  }
}

function fewer(spans: readonly Span[]): readonly Span[] {
  const [first, second, ...rest] = spans;
  if (spans.length <= maxSpans || first === undefined || second === undefined) return spans;
  return [{ from: first.from, to: second.to }, ...rest];
}

const least = (a: Buffer, b: Buffer): Buffer => (Buffer.compare(a, b) <= 0 ? a : b);
const greatest = (a: Buffer, b: Buffer): Buffer => (Buffer.compare(a, b) >= 0 ? a : b);
