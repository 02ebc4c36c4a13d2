import { STATUS_CODES } from 'node:http';

import { ForsunError } from '../../core/errors.ts';

/** A request that is refused before, or beside, what a plan may be; the message reaches the client. */
export class HttpRefusal extends Error {
  override readonly name = 'HttpRefusal';
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    statusCode: number,
    message: string,
    headers: Readonly<Record<string, string>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.statusCode = statusCode;
    this.headers = headers;
  }
}

export const problemType = 'application/problem+json';

/** The body of a refusal as RFC 9457 has it. */
export const problem = (status: number, detail: string): string =>
  JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail });

/**
 * What an error that a route or the server threw comes to: a refusal as it is, one of the framework's with
 * its status, one that the caller has no right to as 403; undefined for what is a bug or an outage, or has
 * another code of forsun's.
 */
export function refusalOf(error: unknown): HttpRefusal | undefined {
  if (error instanceof HttpRefusal) return error;
  if (error instanceof ForsunError && error.code === 'not_allowed') {
    return new HttpRefusal(403, error.message, {}, { cause: error });
  }
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined;
  const { statusCode, message } = error;
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode > 499) return undefined;
  const isTooLarge = statusCode === 413;
  const text = isTooLarge ? 'the body is larger than --http-max-body-bytes allows' : message;
  return new HttpRefusal(statusCode, text, {}, { cause: error });
}
