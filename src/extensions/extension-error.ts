import { quote } from '../core/errors.ts';

/** What an extension goes through. */
export type Step = 'load' | 'register' | 'start' | 'close' | 'stop';

const couldNot: Readonly<Record<Step, string>> = {
  load: 'be loaded',
  register: 'register',
  start: 'start',
  close: 'close an action',
  stop: 'stop',
};

/** An extension that cannot be used, in one line that names it, what it was at, and why. */
export class ExtensionError extends Error {
  override readonly name = 'ExtensionError';
  readonly extension: string;
  readonly step: Step;
  readonly reason: string;

  constructor(extension: string, step: Step, reason: string) {
    super(`the extension ${quote(extension)} could not ${couldNot[step]}: ${reason}`);
    this.extension = extension;
    this.step = step;
    this.reason = reason;
  }
}

const maxTextLength = 400;

/**
 * What was thrown, in one line: anything can be, null and objects that cannot be shown too. `hide` takes
 * out of it what is not to be told.
 */
export function thrownText(thrown: unknown, hide = (text: string): string => text): string {
  try {
    const text = thrown instanceof Error ? errorText(thrown) : `it threw ${String(thrown)}`;
    const line = hide(text).replace(/\s+/g, ' ');
    return line.length > maxTextLength ? `${line.slice(0, maxTextLength)}…` : line;
  } catch {
    return 'it threw what cannot be shown';
  }
}

const errorText = ({ name, message }: Error): string =>
  name === 'Error' && message !== '' ? message : `${name}: ${message}`;
