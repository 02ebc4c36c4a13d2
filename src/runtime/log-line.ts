import type { LogFields } from '../core/log.ts';

const maxValueLength = 512;

/** Control characters, line and paragraph separators, and marks that reorder what a person reads. */
const unsafe =
  /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** `time pid level event key=value …`, one line whatever the values hold, without its line end. */
export function logLine(
  timeMs: number,
  pid: number,
  level: string,
  event: string,
  fields: LogFields = {},
): string {
  const head = `${new Date(timeMs).toISOString()} ${pid} ${level.toUpperCase()} ${escaped(event)}`;
  const pairs = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [` ${escaped(name)}=${written(String(value))}`],
  );
  return head + pairs.join('');
}

/** Bare when it reads as one word, else quoted; cut at 512 characters, which `…` then tells. */
function written(value: string): string {
  const cut = value.length > maxValueLength ? `${value.slice(0, maxValueLength)}…` : value;
  if (/^[^\s"'=\\]+$/.test(cut) && cut.search(unsafe) === -1) return cut;
  return `"${escaped(cut.replace(/["\\]/g, '\\$&'))}"`;
}

const escaped = (text: string): string =>
  text.replace(unsafe, (character) => {
    const short = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }[character];
    return short ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
