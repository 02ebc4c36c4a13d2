/** The server refused the call; docs/errors.md lists the codes (1003: no plan has that key, …). */
export class ForsunPlanError extends Error {
  override readonly name = 'ForsunPlanError';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** The server did not understand the call, or failed within: a Thrift application exception. */
export class ForsunServerError extends Error {
  override readonly name = 'ForsunServerError';
}

/**
 * - `unreachable`: no connection came about, the call was never sent
 * - `lost`: the connection ended before the reply, `timeout`: no reply came in time; whether the call took
 *   effect is unknown, so create it again or ask with get
 * - `closed`: the client was closed before the call; `full`: too many calls wait for their reply
 */
export type ConnectionTrouble = 'unreachable' | 'lost' | 'timeout' | 'closed' | 'full';

/** The call did not get its reply for want of a connection; the next call tries a new one. */
export class ForsunConnectionError extends Error {
  override readonly name = 'ForsunConnectionError';
  readonly trouble: ConnectionTrouble;

  constructor(trouble: ConnectionTrouble, message: string, options?: ErrorOptions) {
    super(message, options);
    this.trouble = trouble;
  }
}
