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
