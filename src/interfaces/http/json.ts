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

const blanks = /[ \t\n\r]*/y;
const stringToken = /"(?:[^"\\]|\\.)*"/sy;
const numberToken = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const wordToken = /true|false|null/y;
const words = new Map<string, Json>([
  ['true', true],
  ['false', false],
  ['null', null],
]);

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  all(): Json {
    const value = this.#value(0);
    if (this.#next() !== '') throw this.#unexpected('the end');
    return value;
  }

  #value(depth: number): Json {
    const char = this.#next();
    if (char === '"') return this.#string();
    if (char === '{' || char === '[') {
      if (depth === maxDepth) throw new JsonError(`it is more than ${maxDepth} levels deep`);
      return char === '{' ? this.#object(depth + 1) : this.#array(depth + 1);
    }
    const word = this.#take(wordToken);
    if (word !== undefined) return words.get(word) ?? null;
    return this.#number();
  }

  #object(depth: number): Json {
    const object = new Map<string, Json>();
    this.#at++;
    if (this.#isEnd('}')) return object;
    do {
      if (this.#next() !== '"') throw this.#unexpected('a name in quotes');
      const name = this.#string();
      if (object.has(name)) throw new JsonError(`the name ${quote(name)} is there twice`);
      if (this.#next() !== ':') throw this.#unexpected('a colon');
      this.#at++;
      object.set(name, this.#value(depth));
    } while (this.#hasMore('}'));
    return object;
  }

  #array(depth: number): Json {
    const array: Json[] = [];
    this.#at++;
    if (this.#isEnd(']')) return array;
    do array.push(this.#value(depth));
    while (this.#hasMore(']'));
    return array;
  }

  #string(): string {
    const start = this.#at;
    const token = this.#take(stringToken);
    if (token === undefined) throw new JsonError(`the string at ${start} does not end`);
    try {
      return JSON.parse(token) as string;
    } catch {
      throw new JsonError(
        `the string at ${start} has a character or escape that JSON does not allow`,
      );
    }
  }

  #number(): number {
    const token = this.#take(numberToken);
    if (token === undefined) throw this.#unexpected('a value');
    const value = Number(token);
    const isExact = /^-?\d+$/.test(token)
      ? Number.isSafeInteger(value)
      : Number.isFinite(value) && digitsOf(token) <= 15;
    if (isExact) return value;
    throw new JsonError(`the number ${quote(token, 32)} cannot be kept exactly`);
  }

  /** Behind an element: true past a comma, false past the end. */
  #hasMore(end: string): boolean {
    if (this.#isEnd(end)) return false;
    if (this.#next() !== ',') throw this.#unexpected(`a comma or ${end}`);
    this.#at++;
    return true;
  }

  #isEnd(end: string): boolean {
    if (this.#next() !== end) return false;
    this.#at++;
    return true;
  }

  /** The next character that is no blank; empty at the end. */
  #next(): string {
    this.#take(blanks);
    return this.#text.charAt(this.#at);
  }

  #take(token: RegExp): string | undefined {
    token.lastIndex = this.#at;
    const taken = token.exec(this.#text)?.[0];
    if (taken !== undefined) this.#at += taken.length;
    return taken;
  }

  #unexpected(expected: string): JsonError {
    const came =
      this.#at < this.#text.length ? quote(this.#text.slice(this.#at, this.#at + 16)) : 'the end';
    return new JsonError(`${came} came at ${this.#at}, expected ${expected}`);
  }
}

/** Digits that count, of a number that has a point or an exponent. */
const digitsOf = (token: string): number =>
  token.replace(/e.*$/i, '').replace(/^-?0*\.?0*|[-.]/gi, '').length;
