import { tokenText, type Token } from '../grammar/tokens.ts';
import { UsageError } from './command.ts';

/** The arguments as typed, for a command that takes so many; anything else is refused with its usage. */
export const textsOf = (args: readonly Token[], expected: Expected): readonly string[] =>
  countedTexts(args.map(tokenText), expected);

export interface Expected {
  /** How many, at least and at most. */
  readonly from: number;
  readonly to: number;
  readonly usage: string;
}

/** As textsOf, when flags have been taken out. */
export function countedTexts(
  texts: readonly string[],
  { from, to, usage }: Expected,
): readonly string[] {
  if (texts.length >= from && texts.length <= to) return texts;
  const hint = texts.length > to ? ': put quotes around what holds blanks' : '';
  throw new UsageError(`expected ${usage}${hint}`);
}

/** The one argument of a command that takes exactly one. */
export function onlyText(args: readonly Token[], usage: string): string {
  const [text] = textsOf(args, { from: 1, to: 1, usage });
  if (text === undefined) throw new TypeError('one argument was promised');
  return text;
}
