import { createPrivateKey, X509Certificate } from 'node:crypto';

import type { ClientTls } from '../client/dial.ts';
import { yesOrNoOf } from '../config/yes-or-no.ts';
import { UsageError } from './command.ts';
import { type Given, readNamed, readSecret, type Source } from './settings-sources.ts';

/**
 * The TLS that the settings ask for: naming a file for it does, too; undefined for none. Throws UsageError for
 * files that are not what they should be.
 */
export function clientTls(given: Source): ClientTls | undefined {
  const wanted = isWanted(given.get('tls'));
  const [ca, cert, key] = [given.get('tls_ca'), given.get('tls_cert'), given.get('tls_key')];
  const isNamed = [ca, cert, key].some((one) => one !== undefined);
  if (wanted === false || (wanted === undefined && !isNamed)) return undefined;
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError('the certificate (--tls-cert) and its key (--tls-key) go together');
  }
  return {
    ...(ca === undefined ? {} : { ca: authorities(ca) }),
    ...(cert === undefined || key === undefined ? {} : pair(cert, key)),
  };
}

function isWanted(given: Given | undefined): boolean | undefined {
  if (given === undefined) return undefined;
  const answer = yesOrNoOf(given.text);
  if (answer !== undefined) return answer === 'yes';
  throw new UsageError(`${given.source}: ${JSON.stringify(given.text)} came, expected yes or no`);
}

function authorities(given: Given): string {
  const text = readNamed(given);
  certificateOf(text, given);
  return text;
}

function pair(certGiven: Given, keyGiven: Given): Required<Pick<ClientTls, 'cert' | 'key'>> {
  const cert = readNamed(certGiven);
  const key = readSecret(keyGiven);
  const certificate = certificateOf(cert, certGiven);
  const privateKey = judged(keyGiven, 'a private key in PEM, without a passphrase,', () =>
    createPrivateKey(key),
  );
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new UsageError(
      `${keyGiven.source}: ${keyGiven.text} is not the key of ${certGiven.text}`,
    );
  }
  return { cert, key };
}

const certificateOf = (text: string, given: Given): X509Certificate =>
  judged(given, 'a certificate in PEM', () => new X509Certificate(text));

function judged<Result>({ source, text }: Given, expected: string, read: () => Result): Result {
  try {
    return read();
  } catch {
    throw new UsageError(`${source}: ${expected} was expected in ${text}`);
  }
}
