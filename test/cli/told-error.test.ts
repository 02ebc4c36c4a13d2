import { expect, test } from 'vitest';

import { toldError } from '../../src/cli/told-error.ts';
import { ForsunConnectionError, ForsunPlanError } from '../../src/client/errors.ts';

const caused = (code: string): Error => Object.assign(new Error(code), { code });

test.each([
  ['nobody listens there', 'ECONNREFUSED', 'is it running?'],
  ['no socket is there', 'ENOENT', 'is it running?'],
  [
    'its authority is not trusted',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    '--tls-ca names the authority',
  ],
  ['its certificate has another name', 'ERR_TLS_CERT_ALTNAME_INVALID', '--host takes a name that'],
  [
    'it wants a certificate',
    'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
    '--tls-cert and --tls-key',
  ],
])('who meets that %s is told what to do about it', (text, code, hint) => {
  const error = new ForsunConnectionError('unreachable', text, { cause: caused(code) });
  expect(toldError(error).message).toContain(`${text} (${hint}`);
});

test('only a server that says nothing may not be running', () => {
  const message = (...args: ConstructorParameters<typeof ForsunConnectionError>): string =>
    toldError(new ForsunConnectionError(...args)).message;
  expect(message('unreachable', 'no answer')).toBe('no answer (is it running?)');
  expect(message('unreachable', 'it has expired', { cause: caused('CERT_HAS_EXPIRED') })).toBe(
    'it has expired',
  );
  expect(message('lost', 'the server closed it')).toBe('the server closed it');
});

test('a refusal keeps its code', () => {
  expect(toldError(new ForsunPlanError(1003, 'none'))).toEqual({ code: 1003, message: 'none' });
});
