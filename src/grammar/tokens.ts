import { badArgument } from '../core/errors.ts';

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
  /** More tokens than that are refused with bad_argument, and not read. */
  readonly maxTokens?: number;
}

/** The commands of a text, none empty, each with its tokens. Every text has a reading. */
export const tokenize = (
  text: string,
  options: TokenizeOptions = {},
): readonly (readonly Token[])[] => new Reader(text, options).commands();

/** A token as it was typed, without its quotes. */
export const tokenText = (token: Token): string =>
  token.kind === 'word' ? token.text : [...token.lost, token.name, token.value].join('=');

class Reader {
  readonly #text: string;
  readonly #readsPairs: boolean;
  readonly #maxTokens: number;
  readonly #commands: Token[][] = [];
  #tokens: Token[] = [];
  #tokenCount = 0;
  #names: string[] = [];
  #at = 0;
  /** The token being read: pieces that are no longer what stands in the text, and where its last one begins. */
  #pieces = '';
  #from = 0;
  #quote: string | undefined;

  constructor(text: string, { pairs = true, maxTokens = Infinity }: TokenizeOptions) {
    this.#text = text;
    this.#readsPairs = pairs;
    this.#maxTokens = maxTokens;
  }

  commands(): readonly (readonly Token[])[] {
    for (; this.#at < this.#text.length; this.#at++) {
      const char = this.#text.charAt(this.#at);
      if (this.#quote === undefined) this.#read(char);
      else this.#readQuoted(char, this.#quote);
    }
    this.#endCommand();
    return this.#commands;
  }

  #read(char: string): void {
    if (char === '"' || char === "'") {
      this.#drop();
      this.#quote = char;
    } else if (isBlank(char)) this.#endToken();
    else if (char === ';') this.#endCommand();
    else if (char === '=' && this.#readsPairs && this.#hasText()) this.#names.push(this.#take());
  }

  #readQuoted(char: string, quote: string): void {
    if (!this.#hasText()) {
      if (isBlank(char)) this.#drop();
    } else if (char === quote) {
      if (this.#text.charAt(this.#at - 1) === '\\') {
        this.#drop(1);
        this.#from = this.#at;
      } else {
        this.#endToken();
        this.#quote = undefined;
      }
    }
  }

  #hasText(): boolean {
    return this.#pieces !== '' || this.#at > this.#from;
  }

  /** Leaves the character out, and so many before it. */
  #drop(before = 0): void {
    this.#pieces += this.#text.slice(this.#from, this.#at - before);
    this.#from = this.#at + 1;
  }

  /** The token up to here; the next begins behind. */
  #take(): string {
    this.#drop();
    const token = ownText(this.#pieces);
    this.#pieces = '';
    return token;
  }

  #endToken(): void {
    const text = this.#take();
    if (text === '') return;
    const name = this.#names.pop();
    this.#add(
      name === undefined
        ? { kind: 'word', text }
        : { kind: 'pair', name, value: text, lost: this.#names },
    );
  }

  #endCommand(): void {
    this.#endToken();
    const name = this.#names.pop();
    if (name !== undefined) this.#add({ kind: 'pair', name, value: '', lost: this.#names });
    if (this.#tokens.length > 0) this.#commands.push(this.#tokens);
    this.#tokens = [];
    this.#quote = undefined;
  }

  #add(token: Token): void {
    if (this.#tokenCount++ === this.#maxTokens) {
      throw badArgument(`there are more than ${this.#maxTokens} words, expected fewer`);
    }
    this.#tokens.push(token);
    this.#names = [];
  }
}

const isBlank = (char: string): boolean =>
  char === ' ' || char === '\t' || char === '\n' || char === '\r';

/** A slice of this length is a text of its own; a longer one would keep all that it was cut from in memory. */
const maxOwnSlice = 12;

const ownText = (slice: string): string =>
  slice.length <= maxOwnSlice ? slice : (JSON.parse(JSON.stringify(slice)) as string);
