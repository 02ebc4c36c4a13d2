import type { Writable } from 'node:stream';

/** Where commands write: one stream, at the speed of its reader. */
export interface Output {
  readonly isTerminal: boolean;
  readonly paint: Paint;
  /** Resolves when there is room for more. */
  write(text: string): Promise<void>;
}

export type Style = 'time' | 'faint' | 'error';

export type Paint = (style: Style, text: string) => string;

export function outputTo(stream: Writable & { readonly isTTY?: boolean }, paint: Paint): Output {
  return {
    isTerminal: stream.isTTY === true,
    paint,
    write: (text) =>
      new Promise((resolve) => {
        if (stream.write(text)) resolve();
        else stream.once('drain', resolve);
      }),
  };
}

/** Colour only where a person sees it and has not declined: https://no-color.org. */
export function paintFor(isTerminal: boolean, env: NodeJS.ProcessEnv): Paint {
  const declines = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';
  if (!isTerminal || declines) return (_style, text) => text;
  return (style, text) => `\x1b[${codes[style]}m${text}\x1b[0m`;
}

const codes: Readonly<Record<Style, number>> = { time: 36, faint: 2, error: 31 };

/** Text of a plan or the server as it may reach a terminal: one line, nothing the terminal would obey. */
export const printable = (text: string): string =>
  text.replace(/[\p{Cc}\p{Zl}\p{Zp}]|[\u202a-\u202e\u2066-\u2069]/gu, (char) =>
    char === '\n' ? '\\n' : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** A document for programs in one line, which a terminal only shows too: what it would obey is escaped. */
export const jsonText = (document: object): string => printable(JSON.stringify(document));
