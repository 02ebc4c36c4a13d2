import type { Outcome } from './action.ts';

/** The longest that a target may ask us to stay away, in seconds. */
const MAX_RETRY_AFTER_SECONDS = 3_600;

/**
 * What an answer means: 408, 425, 429 and 500 up ask to come again, other 4xx are final. Anything below
 * 400 is done, a redirect included that names no place to go.
 */
export function outcomeOf(
  origin: string,
  status: number,
  retryAfter: string | undefined,
  nowMs: number,
): Outcome {
  if (status < 400) return { kind: 'done' };
  const reason = `${origin} answered ${status}`;
  if (status < 500 && status !== 408 && status !== 425 && status !== 429) {
    return { kind: 'failed', reason };
  }
  const asks = status === 429 || status === 503; // who defines Retry-After
  const afterSeconds = asks ? retryAfterSeconds(retryAfter, nowMs) : undefined;
  return { kind: 'retry', reason, ...(afterSeconds === undefined ? {} : { afterSeconds }) };
}

/** Retry-After, seconds or a date, at most an hour; undefined when absent, past or not understood. */
export function retryAfterSeconds(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  const wait = secondsOf(value.trim(), nowMs);
  return wait > 0 ? Math.min(wait, MAX_RETRY_AFTER_SECONDS) : undefined;
}

function secondsOf(value: string, nowMs: number): number {
  if (/^\d+$/.test(value)) return Number(value);
  // Date.parse reads far more than HTTP's dates, "-5" too.
  return /^[A-Z][a-z]+, .* GMT$/.test(value) ? Math.ceil((Date.parse(value) - nowMs) / 1000) : NaN;
}
