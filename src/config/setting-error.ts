/** A setting that cannot be used. The message is one line: where it came from, what it was, what was expected. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
  /** 2 when the command line is at fault, else 1. */
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Whose fault a setting is that came from there. */
export const exitCodeOf = (source: string): 1 | 2 => (source.startsWith('--') ? 2 : 1);
