import { quote } from '../../core/errors.ts';

/** What a JSON text says. An object is a map: any name is a name like any other, in the order they came. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = ReadonlyMap<string, Json>;

export const isObject = (value: Json): value is JsonObject => value instanceof Map;
export const isArray = (value: Json): value is readonly Json[] => Array.isArray(value);

/** The text is not JSON, or not such as can be read without loss. */
export class JsonError extends Error {
  override readonly name = 'JsonError';
}

/** What a value is, for people. */
export function kindOf(value: Json): string {
  if (value === null) return 'null';
  if (isArray(value)) return 'an array';
  if (isObject(value)) return 'an object';
  return typeof value === 'string' ? 'a text' : `a ${typeof value}`;
}

const maxDepth = 32;

/** Objects, arrays, and what is in them, together: 22 for each of 10,000 plans as they are answered, and more. */
const maxValues = 262_144;

/**
 * Reads a JSON text exactly or not at all: where JSON.parse rounds a number, keeps one of two values of a
 * name or moves names that look like numbers to the front, this refuses or keeps them. Throws JsonError.
 */
export function parseJson(text: string): Json {
  return new Reader(text).all();
}

/** As JSON, in ASCII only. */
export const asciiJson = (value: string | number | boolean | null): string =>
  JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

const code = {
  tab: 0x09,
  lineFeed: 0x0a,
  carriageReturn: 0x0d,
  space: 0x20,
  quote: 0x22,
  comma: 0x2c,
  colon: 0x3a,
  openBracket: 0x5b,
  backslash: 0x5c,
  closeBracket: 0x5d,
  openBrace: 0x7b,
  closeBrace: 0x7d,
} as const;

const numberToken = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const words: readonly (readonly [spelt: string, value: Json])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
];

/** A longer slice of a text would keep all of that text in memory. */
const maxSlice = 12;

/** Looks at each character once, by its code: a body of many small values must not hold up others. */
class Reader {
  readonly #text: string;
  #at = 0;
  #valuesLeft = maxValues;

  constructor(text: string) {
    this.#text = text;
  }

  all(): Json {
    const value = this.#value(0);
    this.#next();
    if (this.#at < this.#text.length) throw this.#unexpected('the end');
    return value;
  }

  #value(depth: number): Json {
    if (this.#valuesLeft-- === 0) throw new JsonError(`it has more than ${maxValues} values`);
    const char = this.#next();
    if (char === code.quote) return this.#string();
    if (char === code.openBrace || char === code.openBracket) {
      if (depth === maxDepth) throw new JsonError(`it is more than ${maxDepth} levels deep`);
      this.#at++;
      return char === code.openBrace ? this.#object(depth + 1) : this.#array(depth + 1);
    }
    const word = words.find(([spelt]) => this.#text.startsWith(spelt, this.#at));
    if (word === undefined) return this.#number();
    this.#at += word[0].length;
    return word[1];
  }

  #object(depth: number): Json {
    const object = new Map<string, Json>();
    if (this.#isNext(code.closeBrace)) return object;
    do {
      if (this.#next() !== code.quote) throw this.#unexpected('a name in quotes');
      const name = this.#string();
      if (object.has(name)) throw new JsonError(`the name ${quote(name)} is there twice`);
      if (!this.#isNext(code.colon)) throw this.#unexpected('a colon');
      object.set(name, this.#value(depth));
    } while (this.#hasMore(code.closeBrace));
    return object;
  }

  #array(depth: number): Json {
    const array: Json[] = [];
    if (this.#isNext(code.closeBracket)) return array;
    do array.push(this.#value(depth));
    while (this.#hasMore(code.closeBracket));
    return array;
  }

  #string(): string {
    const start = this.#at;
    const isPlain = this.#skipString(start);
    if (isPlain && this.#at - start - 2 <= maxSlice)
      return this.#text.slice(start + 1, this.#at - 1);
    try {
      return JSON.parse(this.#text.slice(start, this.#at)) as string;
    } catch {
      throw new JsonError(
        `the string at ${start} has a character or escape that JSON does not allow`,
      );
    }
  }

  /** To behind the quote that ends the string; true when it says nothing but what stands there. */
  #skipString(start: number): boolean {
    let isPlain = true;
    for (let at = start + 1; at < this.#text.length; at++) {
      const char = this.#text.charCodeAt(at);
      if (char === code.quote) {
        this.#at = at + 1;
        return isPlain;
      }
      if (char === code.backslash) at++;
      if (char === code.backslash || char < code.space) isPlain = false;
    }
    throw new JsonError(`the string at ${start} does not end`);
  }

  #number(): number {
    numberToken.lastIndex = this.#at;
    const token = numberToken.exec(this.#text)?.[0];
    if (token === undefined) throw this.#unexpected('a value');
    this.#at += token.length;
    const value = Number(token);
    if (isExact(token, value)) return value;
    throw new JsonError(`the number ${quote(token, 32)} cannot be kept exactly`);
  }

  /** Behind an element: true past a comma, false past the end. */
  #hasMore(end: number): boolean {
    if (this.#isNext(code.comma)) return true;
    if (this.#isNext(end)) return false;
    throw this.#unexpected(`a comma or ${String.fromCharCode(end)}`);
  }

  /** True past that character, if it is the next one. */
  #isNext(char: number): boolean {
    if (this.#next() !== char) return false;
    this.#at++;
    return true;
  }

  /** The next character that is no blank; NaN at the end. */
  #next(): number {
    for (;;) {
      const char = this.#text.charCodeAt(this.#at);
      const isBlank =
        char === code.space ||
        char === code.lineFeed ||
        char === code.carriageReturn ||
        char === code.tab;
      if (!isBlank) return char;
      this.#at++;
    }
  }

  #unexpected(expected: string): JsonError {
    const came =
      this.#at < this.#text.length ? quote(this.#text.slice(this.#at, this.#at + 16)) : 'the end';
    return new JsonError(`${came} came at ${this.#at}, expected ${expected}`);
  }
}

/** So many digits are always kept exactly. */
const maxDigits = 15;

function isExact(token: string, value: number): boolean {
  if (token.length <= maxDigits) return Number.isFinite(value);
  if (/^-?\d+$/.test(token)) return Number.isSafeInteger(value);
  return Number.isFinite(value) && digitsOf(token) <= maxDigits;
}

/** Digits that count, of a number that has a point or an exponent. */
const digitsOf = (token: string): number =>
  token.replace(/e.*$/i, '').replace(/^-?0*\.?0*|[-.]/gi, '').length;
