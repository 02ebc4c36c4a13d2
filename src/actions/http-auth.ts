import { createHash, randomBytes } from 'node:crypto';

export interface Credentials {
  readonly mode: 'basic' | 'digest';
  readonly username: string;
  readonly password: string;
}

/** A server's demand for a digest (RFC 7616, and RFC 2069 where it names no qop). */
export interface DigestChallenge {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque?: string;
  readonly algorithm: DigestAlgorithm;
  readonly isSession: boolean;
  readonly qop?: 'auth';
  /** The credentials were right, the nonce too old. */
  readonly isStale: boolean;
}

const hashes = { MD5: 'md5', 'SHA-256': 'sha256', 'SHA-512-256': 'sha512-256' } as const;
type DigestAlgorithm = keyof typeof hashes;

export const basicAuthorization = ({ username, password }: Credentials): string =>
  `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;

/** The first challenge of WWW-Authenticate that can be answered; servers put the best first. */
export function digestChallengeOf(
  header: string | readonly string[] | undefined,
): DigestChallenge | undefined {
  const lines = header === undefined ? [] : typeof header === 'string' ? [header] : header;
  for (const { scheme, fields } of lines.flatMap(challengesOf)) {
    const realm = fields.get('realm');
    const nonce = fields.get('nonce');
    if (scheme !== 'digest' || realm === undefined || nonce === undefined) continue;
    const [, name, session] =
      /^(md5|sha-256|sha-512-256)(-sess)?$/i.exec(fields.get('algorithm') ?? 'MD5') ?? [];
    const algorithm = name?.toUpperCase();
    if (algorithm === undefined || !isKnown(algorithm)) continue;
    const qops = fields
      .get('qop')
      ?.split(',')
      .map((qop) => qop.trim().toLowerCase());
    if (qops !== undefined && !qops.includes('auth')) continue; // auth-int: no server of note
    const opaque = fields.get('opaque');
    return {
      realm,
      nonce,
      ...(opaque === undefined ? {} : { opaque }),
      algorithm,
      isSession: session !== undefined,
      ...(qops === undefined ? {} : { qop: 'auth' }),
      isStale: fields.get('stale')?.toLowerCase() === 'true',
    };
  }
  return undefined;
}

const isKnown = (algorithm: string): algorithm is DigestAlgorithm => algorithm in hashes;

/** The Authorization that answers a challenge, for one request. */
export function digestAuthorization(
  challenge: DigestChallenge,
  { username, password }: Credentials,
  method: string,
  target: string,
  cnonce: string = randomBytes(16).toString('hex'),
): string {
  const { realm, nonce, algorithm, isSession, opaque, qop } = challenge;
  const hash = (text: string): string =>
    createHash(hashes[algorithm]).update(text, 'utf8').digest('hex');
  const nc = '00000001'; // each run answers a fresh challenge
  const account = hash(`${username}:${realm}:${password}`);
  const secret = isSession ? hash(`${account}:${nonce}:${cnonce}`) : account;
  const request = hash(`${method}:${target}`);
  const response = hash(
    qop === undefined
      ? `${secret}:${nonce}:${request}`
      : `${secret}:${nonce}:${nc}:${cnonce}:${qop}:${request}`,
  );
  const fields = [
    `username=${quoted(username)}`,
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    `uri=${quoted(target)}`,
    `algorithm=${algorithm}${isSession ? '-sess' : ''}`,
    `response="${response}"`,
    ...(opaque === undefined ? [] : [`opaque=${quoted(opaque)}`]),
    ...(qop === undefined ? [] : [`qop=${qop}`, `nc=${nc}`]),
    ...(qop === undefined && !isSession ? [] : [`cnonce="${cnonce}"`]),
  ];
  return Buffer.from(`Digest ${fields.join(', ')}`, 'utf8').toString('latin1');
}

const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;

interface Challenge {
  readonly scheme: string;
  readonly fields: ReadonlyMap<string, string>;
}

/**
 * Splits `Basic realm="a, b", Digest nonce=x, qop="auth,auth-int"` into its challenges: a word followed by
 * `=` belongs to the challenge before it, any other word begins one. Each character is looked at once.
 */
function challengesOf(header: string): readonly Challenge[] {
  const challenges: { scheme: string; fields: Map<string, string> }[] = [];
  const token = /[\s,]*([^\s,="]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?/gy;
  for (const [, word = '', inQuotes, plain] of header.matchAll(token)) {
    const value = inQuotes?.replace(/\\(.)/g, '$1') ?? plain;
    if (value === undefined) challenges.push({ scheme: word.toLowerCase(), fields: new Map() });
    else challenges.at(-1)?.fields.set(word.toLowerCase(), value);
  }
  return challenges;
}
