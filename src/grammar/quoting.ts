/** Text as the inside of one quoted token: every such quote in it escaped. */
export const enquote = (text: string, quote: '"' | "'"): string =>
  quote + text.replaceAll(quote, `\\${quote}`) + quote;

/** Whether a quoted token can say this text: what it cannot begin or end with is in tokens.ts. */
export const canBeQuoted = (text: string): boolean =>
  /^[^ \t\r\n]/.test(text) && !text.endsWith('\\');

/** Whether this text is one token as it stands, read with pairs. */
export const isPlain = (text: string): boolean => /^[^ \t\r\n"';=]+$/.test(text);

/** Text as one token, with quotes when it needs them. */
export const formatWord = (text: string): string => (isPlain(text) ? text : enquote(text, "'"));
