/** A line of a stream of bytes. */
export interface Line {
  /** From 1 on. */
  readonly number: number;
  /** Undefined when it is too long, or no UTF-8. */
  readonly text: string | undefined;
  /** Where the next one begins, in bytes. */
  readonly end: number;
  /** False for what stands behind the last newline. */
  readonly isWhole: boolean;
}

/** A plan of the largest params that a message may hold, each of their characters escaped. */
const mostBytes = 32 * 1024 * 1024;

/** The lines, without their newlines. What is longer than a plan can be is passed over, and takes no memory. */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes = mostBytes,
): AsyncGenerator<Line> {
  let pieces: Uint8Array[] = [];
  let length = 0;
  let number = 0;
  let end = 0;
  const keep = (piece: Uint8Array): void => {
    length += piece.length;
    if (length <= maxBytes) pieces.push(piece);
    else pieces = [];
  };
  const take = (isWhole: boolean): Line => {
    number++;
    end += length + (isWhole ? 1 : 0);
    const text = length <= maxBytes ? textOf(pieces) : undefined;
    pieces = [];
    length = 0;
    return { number, text, end, isWhole };
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, start)) {
      keep(chunk.subarray(start, at));
      start = at + 1;
      yield take(true);
    }
    keep(chunk.subarray(start));
  }
  if (length > 0) yield take(false);
}

const newline = 0x0a;
const decoder = new TextDecoder('utf-8', { fatal: true });

function textOf(pieces: readonly Uint8Array[]): string | undefined {
  const [only] = pieces;
  const bytes = pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
