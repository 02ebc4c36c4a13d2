import { ForsunConnectionError, ForsunPlanError } from '../client/errors.ts';
import { printable } from './output.ts';

/** What a person is told of an error. */
export interface ToldError {
  readonly message: string;
  /** The server's code of a refusal. */
  readonly code?: number;
}

export function toldError(error: unknown): ToldError {
  const message = printable(error instanceof Error ? error.message : String(error));
  if (error instanceof ForsunPlanError) return { message, code: error.code };
  if (error instanceof ForsunConnectionError && error.trouble === 'unreachable') {
    return { message: `${message} (is it running?)` };
  }
  return { message };
}

/** The error as one line for people, or as one JSON document. */
export function errorLine({ message, code }: ToldError, json: boolean): string {
  if (json) return `${JSON.stringify({ error: { code: code ?? null, message } })}\n`;
  return code === undefined ? `forsun: ${message}\n` : `forsun: ${message} (${code})\n`;
}
