import { isUtf8 } from 'node:buffer';

import { RefusedValue } from './faults.ts';

/** The text in [start, end); RefusedValue when these bytes are not UTF-8. */
export function textIn(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('utf8', start, end);
  // A replacement character is either the client's own or stands for bytes that were none.
  if (text.includes('\ufffd') && !isUtf8(bytes.subarray(start, end))) {
    throw new RefusedValue(`a string must be UTF-8, this one is not: ${escaped(text)}`);
  }
  return text;
}

/** A peer's text for messages and logs: control characters escaped, cut to what a person reads. */
export function escaped(text: string, maxLength = 128): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  return cut.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffd]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
