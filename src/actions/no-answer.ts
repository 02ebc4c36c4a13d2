import type { Outcome } from './action.ts';
import { ConnectTimeout } from './dial.ts';
import { EgressRefused } from './egress.ts';
import { NameError } from './names.ts';

/** The target has not said whether it did what was asked: worth another attempt. */
export const noAnswer = (target: string, reason: string): Outcome => ({
  kind: 'retry',
  reason: `no answer from ${target}: ${reason}`,
});

/** The target has said no, finally. */
export const refused = (target: string, reason: string): Outcome => ({
  kind: 'failed',
  reason: `refused by ${target}: ${reason}`,
});

/** No connection, or one that broke: final where plans may not connect, else worth another attempt. */
export const connectionLost = (target: string, error: unknown): Outcome =>
  error instanceof EgressRefused
    ? { kind: 'failed', reason: `${target} is out of reach: ${error.message}` }
    : noAnswer(target, transportReason(error));

/** Instead of an answer came nothing that is one. Its message says so in words of ours, never the peer's. */
export class Unanswered extends Error {
  override readonly name = 'Unanswered';
}

/** An answer has begun and is longer than is read. */
export class AnswerTooLong extends Error {
  override readonly name = 'AnswerTooLong';

  constructor(maxBytes: number) {
    super(`longer than ${maxBytes} bytes`);
  }
}

/** Final: the target has done what it tells of at such length, and would tell as much the next time. */
export const cutOff = (target: string, { message }: AnswerTooLong): Outcome => ({
  kind: 'failed',
  reason: `the answer of ${target} is ${message}`,
});

/**
 * Why there was no answer, in codes and names only: a message may quote what a plan keeps secret. What is no
 * failure of a connection (a bug) passes on.
 */
export function transportReason(error: unknown): string {
  const isOurs =
    error instanceof ConnectTimeout ||
    error instanceof EgressRefused ||
    error instanceof Unanswered;
  if (isOurs) return error.message;
  if (error instanceof NameError) return `its name has no address (${error.code})`;
  if (!(error instanceof Error) || error instanceof TypeError) throw error;
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
