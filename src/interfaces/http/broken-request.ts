import { STATUS_CODES } from 'node:http';

import type { RefusalForm } from './forms.ts';
import { HttpRefusal } from './refusal.ts';

/** Of Node's parser, which makes nothing of what came, or waits for more no longer. */
export interface BrokenRequest extends NodeJS.ErrnoException {
  /** A Buffer, whatever types say. */
  readonly rawPacket?: unknown;
}

/** What it is about, as far as its last packet shows; empty when that does not begin with a request. */
export const brokenTarget = ({ rawPacket }: BrokenRequest): string =>
  /^\S+ (\S+)/.exec(Buffer.isBuffer(rawPacket) ? rawPacket.toString('latin1') : '')?.[1] ?? '';

export function brokenRefusal({ code, message }: BrokenRequest): HttpRefusal {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new HttpRefusal(431, 'the headers are larger than --http-max-header-bytes allows');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new HttpRefusal(
        408,
        'the request took longer than --http-header-timeout or --http-request-timeout allows',
      );
    case 'HPE_INVALID_URL':
      return new HttpRefusal(400, `${message}; beyond ASCII, and for blanks, %XX was expected`);
    default:
      return new HttpRefusal(400, message);
  }
}

/** A whole answer, for a connection that is over with it. */
export function lastAnswer(refusal: HttpRefusal, form: RefusalForm): string {
  const { statusCode } = refusal;
  const body = form.text(refusal);
  return (
    `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode] ?? ''}\r\nContent-Type: ${form.contentType}\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`
  );
}
