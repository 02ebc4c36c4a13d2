import type { ThriftSettings } from './settings.ts';

/** Since when a connection waits for its peer, in the ways it can; undefined where it does not. */
export interface Waits {
  /** For the rest of a message. */
  messageSinceMs: number | undefined;
  /** For replies to be taken. */
  unsentSinceMs: number | undefined;
  /** For the peer's FIN behind ours, when every reply was taken. */
  finSinceMs: number | undefined;
}

export interface Overdue {
  readonly event: string;
  readonly reason: string;
}

/** What is overdue by now. That the peer sends no FIN is left to `isDone`: it is nobody's fault. */
export function overdue(
  waits: Waits,
  settings: ThriftSettings,
  nowMs: number,
): Overdue | undefined {
  const { messageTimeoutMs, sendTimeoutMs } = settings;
  if (isPast(waits.messageSinceMs, messageTimeoutMs, nowMs)) {
    const reason = `a message was not whole in ${messageTimeoutMs} ms`;
    return { event: 'thrift_message_unfinished', reason };
  }
  if (isPast(waits.unsentSinceMs, sendTimeoutMs, nowMs)) {
    const reason = `replies were not taken for ${sendTimeoutMs} ms`;
    return { event: 'thrift_replies_not_taken', reason };
  }
  return undefined;
}

/** Everything was said, and the peer had its time to hear it. */
export const isDone = (waits: Waits, settings: ThriftSettings, nowMs: number): boolean =>
  isPast(waits.finSinceMs, settings.lingerMs, nowMs);

const isPast = (sinceMs: number | undefined, limitMs: number, nowMs: number): boolean =>
  sinceMs !== undefined && nowMs - sinceMs > limitMs;
