import { badArgument, quote } from '../core/errors.ts';
import type { Params } from '../core/plan.ts';
import { canBeQuoted, enquote, isPlain } from './quoting.ts';
import { tokenize, tokenText, type Pair, type Token } from './tokens.ts';

/** Whether the text gives this param, at the start of one of its commands. */
export const hasParam = (text: string, name: string): boolean =>
  tokenize(text).some(([first]) => first?.kind === 'pair' && nameOf(first) === name);

/**
 * The pairs of a text like `k=v;k2='v 2'`. Where the original drops what it cannot place (a second word, a
 * second equals sign), this refuses with bad_argument and says what to quote.
 */
export const pairsIn = (text: string): readonly Pair[] =>
  tokenize(text, { maxTokens: maxPairs }).map(onlyPair);

/** No setting allows a plan more params. */
const maxPairs = 65_536;

/** Pairs as params; bad_argument when a name comes twice. */
export function paramsOf(pairs: readonly Pair[]): Params {
  const params = new Map<string, string>();
  for (const pair of pairs) {
    refuseLostName(pair);
    if (params.has(pair.name)) throw badArgument(`param ${quote(pair.name)} is given twice`);
    params.set(pair.name, pair.value);
  }
  return params;
}

/**
 * The text that pairsIn reads back as these params, `k='v';k2='v2'`. Where the rules have no way to
 * say a name or a value, it stands in quotes all the same, for people to read.
 */
export const formatParams = (params: Params): string =>
  [...params].map(([name, value]) => `${name}=${formatValue(value)}`).join(';');

/** Whether formatParams loses nothing. */
export const canBeFormatted = (params: Params): boolean =>
  [...params].every(
    ([name, value]) => isPlain(name) && (value === '' || canBeQuoted(value) || isPlain(value)),
  );

function formatValue(value: string): string {
  if (value === '') return '';
  // What ends in a backslash cannot be quoted, and must not stand before the quote around all params.
  return !canBeQuoted(value) && isPlain(value) ? `${value};` : enquote(value, "'");
}

function onlyPair([first, second]: readonly Token[]): Pair {
  if (first?.kind !== 'pair') {
    const word = quote(first === undefined ? '' : tokenText(first));
    throw badArgument(`a param is name=value, not ${word}; put quotes around a value with blanks`);
  }
  refuseLostName(first);
  if (second !== undefined) {
    throw badArgument(
      `${quote(tokenText(second))} is left over behind ${quote(tokenText(first))}: ` +
        `put quotes around a value with blanks: ${first.name}='…'`,
    );
  }
  return first;
}

function refuseLostName(pair: Pair): void {
  if (pair.lost.length === 0) return;
  throw badArgument(
    `put quotes around a value with an equals sign: ${nameOf(pair)}='…', not ${quote(tokenText(pair))}`,
  );
}

/** The name as a person meant it: the first one. */
const nameOf = (pair: Pair): string => pair.lost[0] ?? pair.name;
