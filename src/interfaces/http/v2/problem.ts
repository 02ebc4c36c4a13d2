import { STATUS_CODES } from 'node:http';

import { z } from 'zod';

import { type ErrorCode, ForsunError } from '../../../core/errors.ts';
import { wireCodes } from '../../thrift/wire-codes.ts';
import { refusalOf } from '../refusal.ts';

const fault = z.strictObject({
  pointer: z.string().describe('Where it is: a JSON pointer into the body, or the name of a query'),
  detail: z.string(),
});
export type Fault = z.output<typeof fault>;

/** A refusal as RFC 9457 has it, with what forsun adds. */
export const problemDetails = z.strictObject({
  type: z.literal('about:blank'),
  title: z.string(),
  status: z.int().min(400).max(599),
  detail: z.string().describe('What came and what was expected; for people, it may change'),
  code: z.int().exactOptional().describe("forsun's number for it, where it has one"),
  name: z.string().exactOptional().describe('The name of that number'),
  errors: z.array(fault).exactOptional().describe('Each bad field'),
});
export type Problem = z.output<typeof problemDetails>;

/** A body or query whose fields are not what they must be. */
export class BadFields extends Error {
  override readonly name = 'BadFields';
  readonly faults: readonly Fault[];

  constructor(faults: readonly [Fault, ...Fault[]]) {
    super(faults[0].detail);
    this.faults = faults;
  }
}

/** What each code is to the web. */
export const statuses: Readonly<Record<ErrorCode, number>> = {
  unknown: 500,
  never_fires: 422,
  plan_not_found: 404,
  plan_not_stored: 503,
  plan_not_removed: 500,
  unknown_action: 422,
  bad_argument: 422,
  plan_exists: 412,
  too_many_unfinished: 409,
  not_allowed: 403,
};

export interface Refused {
  readonly problem: Problem;
  readonly headers: Readonly<Record<string, string>>;
  /** Which of forsun's errors it is, if it is one. */
  readonly code?: ErrorCode;
  /** It is a bug: for the log, and not told. */
  readonly isInternal: boolean;
}

/** What an error that was thrown on the way to an answer comes to. */
export function refused(error: unknown): Refused {
  if (error instanceof BadFields) {
    const { message, faults } = error;
    const code = 'bad_argument';
    return { ...told({ ...details(422, message), ...named(code), errors: [...faults] }), code };
  }
  if (error instanceof ForsunError) {
    const { code, message } = error;
    const status = statuses[code];
    const headers = status === 503 ? { 'retry-after': '1' } : {};
    return { ...told({ ...details(status, message), ...named(code) }, headers), code };
  }
  const refusal = refusalOf(error);
  if (refusal !== undefined) {
    return told(details(refusal.statusCode, refusal.message), refusal.headers);
  }
  const problem = { ...details(500, 'Internal error'), ...named('unknown') };
  return { problem, headers: {}, isInternal: true };
}

const told = (problem: Problem, headers: Refused['headers'] = {}): Refused => ({
  problem,
  headers,
  isInternal: false,
});

const details = (status: number, detail: string) => ({
  type: 'about:blank' as const,
  title: STATUS_CODES[status] ?? 'Error',
  status,
  detail,
});

const named = (name: ErrorCode) => ({ code: wireCodes[name], name });
