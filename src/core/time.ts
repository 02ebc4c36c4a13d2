/** Whole seconds since the epoch, UTC. Branded because milliseconds are the same `number`. */
export type UnixSeconds = number & { readonly __unit: 'UnixSeconds' };

export const unixSeconds = (value: number): UnixSeconds => Math.floor(value) as UnixSeconds;

export const addSeconds = (time: UnixSeconds, seconds: number): UnixSeconds =>
  unixSeconds(time + seconds);

/** Cancels a timer; harmless when it has fired already. */
export type Cancel = () => void;

/** The only door to time: outside src/runtime/ nothing calls Date.now or setTimeout. */
export interface Clock {
  now(): UnixSeconds;
  /** Wall clock in milliseconds since the epoch, for lateness and for keys sorted by time. */
  nowMs(): number;
  /** Milliseconds that never go back, for measuring how long something took. */
  monotonicMs(): number;
  /** Resolves once now() is another second, later or (clock set) earlier; rejects when aborted. */
  sleepWhile(second: UnixSeconds, signal: AbortSignal): Promise<void>;
  /** Calls back once after that many milliseconds of monotonic time; does not keep the process up. */
  after(ms: number, callback: () => void): Cancel;
}
