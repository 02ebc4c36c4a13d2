/**
 * forsun's quoting rules, shared by its command line, `redis` commands and crontab bodies.
 *
 * 1. A quote opens where none is open, also within a word, and is dropped. The same quote closes, and
 *    ends the token, unless nothing stands in between or a backslash stands before it: then that
 *    backslash is dropped and the quote is text. The other quote is text.
 * 2. A blank ends the token; in quotes it is text, but a token never begins with one.
 * 3. `;` outside quotes ends the command.
 * 4. `=` outside quotes, behind some text, makes that text a name; the next token is its value, also
 *    across blanks. A further `=` makes the value the name: `a=b=c` is b with the value c.
 * 5. The end of the text ends everything; a quote may be left open.
 *
 * So no token is empty (but the value of `name=`), begins with a blank, or ends in a backslash when
 * quoted: `''` is one quote, left open.
 */

export interface Word {
  readonly kind: 'word';
  readonly text: string;
}

export interface Pair {
  readonly kind: 'pair';
  readonly name: string;
  readonly value: string;
  /** The names that a further `=` put aside, outermost first; empty unless the text is `a=b=c`. */
  readonly lost: readonly string[];
}

export type Token = Word | Pair;

export interface TokenizeOptions {
  /** False: `=` is text like any other, and every token is a word. */
  readonly pairs?: boolean;
}

/** The commands of a text, none empty, each with its tokens. Every text has a reading: never throws. */
export function tokenize(
  text: string,
  options: TokenizeOptions = {},
): readonly (readonly Token[])[] {
  const reader = new Reader(options.pairs ?? true);
  for (const char of text) reader.take(char);
  return reader.end();
}

/** A token as it was typed, without its quotes. */
export const tokenText = (token: Token): string =>
  token.kind === 'word' ? token.text : [...token.lost, token.name, token.value].join('=');

class Reader {
  readonly #readsPairs: boolean;
  readonly #commands: Token[][] = [];
  #tokens: Token[] = [];
  #names: string[] = [];
  #buffer = '';
  #quote: string | undefined;
  #previous = '';

  constructor(readsPairs: boolean) {
    this.#readsPairs = readsPairs;
  }

  take(char: string): void {
    this.#read(char);
    this.#previous = char;
  }

  end(): readonly (readonly Token[])[] {
    this.#endCommand();
    return this.#commands;
  }

  #read(char: string): void {
    if (this.#quote !== undefined) this.#readQuoted(char, this.#quote);
    else if (char === '"' || char === "'") this.#quote = char;
    else if (isBlank(char)) this.#endToken();
    else if (char === ';') this.#endCommand();
    else if (char === '=' && this.#readsPairs && this.#buffer !== '') this.#endName();
    else this.#buffer += char;
  }

  #readQuoted(char: string, quote: string): void {
    if (char === quote && this.#buffer !== '') {
      if (this.#previous !== '\\') {
        this.#endToken();
        this.#quote = undefined;
        return;
      }
      this.#buffer = this.#buffer.slice(0, -1);
    }
    if (!isBlank(char) || this.#buffer !== '') this.#buffer += char;
  }

  #endName(): void {
    this.#names.push(this.#buffer);
    this.#buffer = '';
  }

  #endToken(): void {
    if (this.#buffer === '') return;
    const name = this.#names.pop();
    this.#tokens.push(
      name === undefined
        ? { kind: 'word', text: this.#buffer }
        : { kind: 'pair', name, value: this.#buffer, lost: this.#names },
    );
    this.#names = [];
    this.#buffer = '';
  }

  #endCommand(): void {
    this.#endToken();
    const name = this.#names.pop();
    if (name !== undefined) this.#tokens.push({ kind: 'pair', name, value: '', lost: this.#names });
    if (this.#tokens.length > 0) this.#commands.push(this.#tokens);
    this.#tokens = [];
    this.#names = [];
    this.#quote = undefined;
    this.#previous = '';
  }
}

const isBlank = (char: string): boolean =>
  char === ' ' || char === '\t' || char === '\n' || char === '\r';
