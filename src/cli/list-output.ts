import { jsonText, type Output, type Paint } from './output.ts';

/** How one of a list is shown. */
export interface Shown<T> {
  /** To people: a line, with its end. */
  readonly line: (item: T, paint: Paint) => string;
  /** To programs. */
  readonly json: (item: T) => object;
}

export interface ListWriter {
  readonly output: Output;
  readonly json: boolean;
}

/** What is listed, as it comes: a line each, or one JSON array with an element a line. */
export async function writeList<T>(
  items: AsyncIterable<T> | Iterable<T>,
  shown: Shown<T>,
  { output, json }: ListWriter,
): Promise<void> {
  let count = 0;
  for await (const item of items) {
    const line = json
      ? `${count === 0 ? '[' : ','}\n${jsonText(shown.json(item))}`
      : shown.line(item, output.paint);
    await output.write(line);
    count++;
  }
  if (json) await output.write(count === 0 ? '[]\n' : '\n]\n');
  else if (count === 0 && output.isTerminal) await output.write(output.paint('faint', '(none)\n'));
}
