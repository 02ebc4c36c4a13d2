/** One entry per way a caller can be refused; docs/errors.md lists the same set (a test checks). */
export const errorCodes = [
  'unknown',
  'never_fires',
  'plan_not_found',
  'plan_not_stored',
  'plan_not_removed',
  'unknown_action',
  'bad_argument',
  'plan_exists',
  'too_many_unfinished',
  'not_allowed',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** A refusal with a code; the message names what came and what was expected, and reaches the client. */
export class ForsunError extends Error {
  override readonly name = 'ForsunError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export const planNotFound = (key: string): ForsunError =>
  new ForsunError('plan_not_found', `no plan has the key ${quote(key)}`);

export const planExists = (key: string): ForsunError =>
  new ForsunError('plan_exists', `the key ${quote(key)} has a plan, expected none`);

export const tooManyUnfinished = (key: string, most: number): ForsunError =>
  new ForsunError(
    'too_many_unfinished',
    `the plan ${quote(key)} has all the unfinished firings it may have: ${most}`,
  );

export const badArgument = (message: string): ForsunError =>
  new ForsunError('bad_argument', message);

/** The caller has no right to it, or has not shown who it is. */
export const notAllowed = (message: string): ForsunError => new ForsunError('not_allowed', message);

export const neverFires = (message: string): ForsunError => new ForsunError('never_fires', message);

/** The outcome is unknown: the change may or may not be there after recovery. */
export const planNotStored = (message: string, cause?: unknown): ForsunError =>
  new ForsunError('plan_not_stored', message, cause === undefined ? undefined : { cause });

/** A client's text for a message: quoted, control characters escaped, cut to what a person reads. */
export function quote(text: string, maxLength = 128): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  return JSON.stringify(cut);
}
