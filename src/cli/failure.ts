import { ForsunConnectionError, ForsunPlanError } from '../client/errors.ts';
import { SettingError } from '../config/setting-error.ts';
import { ForsunError } from '../core/errors.ts';
import { UsageError } from './command.ts';
import { printable } from './output.ts';

/** What a person is told of an error, and what the process says to its caller. */
export interface Failure {
  readonly message: string;
  /** The server's code of a refusal. */
  readonly code?: number;
  readonly exitCode: 1 | 2;
}

export function failureOf(error: unknown): Failure {
  if (error instanceof UsageError || error instanceof SettingError) {
    return { message: printable(error.message), exitCode: 2 };
  }
  if (error instanceof ForsunPlanError) {
    return { message: printable(error.message), code: error.code, exitCode: 1 };
  }
  if (error instanceof ForsunConnectionError && error.trouble === 'unreachable') {
    return { message: `${printable(error.message)} (is it running?)`, exitCode: 1 };
  }
  if (error instanceof ForsunError || error instanceof Error) {
    return { message: printable(error.message), exitCode: 1 };
  }
  return { message: printable(String(error)), exitCode: 1 };
}

/** The failure as one line for people, or as one JSON document. */
export function failureLine({ message, code }: Failure, json: boolean): string {
  if (json) return `${JSON.stringify({ error: { code: code ?? null, message } })}\n`;
  return code === undefined ? `forsun: ${message}\n` : `forsun: ${message} (${code})\n`;
}
