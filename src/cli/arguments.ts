import { tokenText, type Token } from '../grammar/tokens.ts';
import { UsageError } from './command.ts';

/** The arguments as typed, for a command that takes so many; anything else is refused with its usage. */
export function textsOf(
  args: readonly Token[],
  { from, to, usage }: { readonly from: number; readonly to: number; readonly usage: string },
): readonly string[] {
  if (args.length >= from && args.length <= to) return args.map(tokenText);
  const hint = args.length > to ? ': put quotes around what holds blanks' : '';
  throw new UsageError(`expected ${usage}${hint}`);
}

/** The one argument of a command that takes exactly one. */
export function onlyText(args: readonly Token[], usage: string): string {
  const [text] = textsOf(args, { from: 1, to: 1, usage });
  if (text === undefined) throw new TypeError('one argument was promised');
  return text;
}
