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
  const hint = error instanceof ForsunConnectionError ? hintOf(error) : undefined;
  return { message: hint === undefined ? message : `${message} (${hint})` };
}

/** What a person may do about it, as far as the cause tells. */
function hintOf({ trouble, cause }: ForsunConnectionError): string | undefined {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return (
    hints[code] ?? (trouble === 'unreachable' && cause === undefined ? isItRunning : undefined)
  );
}

const isItRunning = 'is it running?';
const nameAuthority = '--tls-ca names the authority to trust';

const hints: Readonly<Partial<Record<string, string>>> = {
  ECONNREFUSED: isItRunning,
  ENOENT: isItRunning,
  DEPTH_ZERO_SELF_SIGNED_CERT: nameAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: nameAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: nameAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: nameAuthority,
  ERR_TLS_CERT_ALTNAME_INVALID: '--host takes a name that its certificate has',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: '--tls-cert and --tls-key show one',
};

/** The error as one line for people, or as one JSON document. */
export function errorLine({ message, code }: ToldError, json: boolean): string {
  if (json) return `${JSON.stringify({ error: { code: code ?? null, message } })}\n`;
  return code === undefined ? `forsun: ${message}\n` : `forsun: ${message} (${code})\n`;
}
