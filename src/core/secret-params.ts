import { badArgument, quote } from './errors.ts';
import type { Params } from './plan.ts';

/** Stands for a secret where its reader may not see it. */
export const hidden = '[redacted]';

/** Names of params, of variables and of a URL's query whose values are secrets, by how they end. */
const secretName = new RegExp(
  '(' +
    [
      ...['passw(or)?d', 'passphrase', 'passcode', 'pwd', 'secret', 'token', 'credential', 'jwt'],
      ...['authorization', 'authentication', 'cookie', 'signature', 'session([_-]?id)?', 'dsn'],
      ...['(^|[_-])(pass|auth|sig|otp|pat)', 'connection_?string'],
      '(api|access|account|auth|client|encryption|master|private|secret|shared|signing)[_-]?key',
    ].join('|') +
    ')(s|[_-]?\\d+)?\\]?$',
  'i',
);

/** Headers and variables are keys of locks, where other params and queries may name a thing by one. */
const keyName = /[_-]key$/i;

/** Only where a secret is to be found: shown as it is, after the scheme of an Authorization if there is one. */
const reference = /^((Basic|Bearer|Token) )?\$\{(env|file):[^}]*\}$/i;

/**
 * What begins as a URL does, in whatever text; `http:` needs no slashes, and takes backslashes for them. The
 * scheme has an end, or a long word would be read again from each of its letters.
 */
const urls = /(?:https?:[\\/]*|[a-z][a-z0-9+.-]{0,30}:\/\/)[^\s"'<>]+/gi;
const userinfo = /^((?:https?:[\\/]*|[a-z][a-z0-9+.-]{0,30}:\/\/))([^\\/?#]+)@/i;
const pairs = /([?&;#])([^?&;=#]+)=([^&;#]+)/g;

/** The params as somebody sees them who may not see secrets. */
export const withoutSecrets = (params: Params): Params =>
  new Map(
    [...params].map(([name, value]) => [
      name,
      replaceSecrets(name, value, (secret) => (reference.test(secret) ? secret : hidden)),
    ]),
  );

/** Refuses with bad_argument what was hidden when it was shown, and would be stored in place of the secret. */
export function checkHidden(params: Params): void {
  for (const [name, value] of params) {
    if (!value.includes(hidden)) continue;
    replaceSecrets(name, value, (secret) => {
      if (secret !== hidden) return secret;
      throw badArgument(
        `the param ${quote(name)} holds ${hidden}, which stands for a secret that was not shown; ` +
          'expected the secret itself',
      );
    });
  }
}

type Replace = (secret: string) => string;

function replaceSecrets(name: string, value: string, replace: Replace): string {
  if (value === '') return value;
  if (secretName.test(name)) return replace(value);
  if (name.startsWith('header_')) {
    return keyName.test(name) ? replace(value) : inText(value, replace);
  }
  if (name !== 'env') return inText(value, replace);
  return value
    .split(';')
    .map((piece) => inVariable(piece, replace))
    .join(';');
}

/** As the param env of shell has it: NAME=value. */
function inVariable(piece: string, replace: Replace): string {
  const [, name = '', value = ''] = /^(\s*[\w.-]*)=(.+)$/s.exec(piece) ?? [];
  if (value === '') return inText(piece, replace);
  const isSecret = secretName.test(name) || keyName.test(name);
  return `${name}=${isSecret ? replace(value) : inText(value, replace)}`;
}

/** In the URLs of any text. */
function inText(text: string, replace: Replace): string {
  const ofUrl = (url: string): string =>
    url
      .replace(userinfo, (_, before: string, secret: string) => `${before}${replace(secret)}@`)
      .replace(pairs, (found: string, before: string, name: string, secret: string) =>
        secretName.test(decoded(name)) ? `${before}${name}=${replace(secret)}` : found,
      );
  return (hasUserinfo(text) ? ofUrl(asRead(text)) : text).replace(urls, ofUrl);
}

/** The value is a URL with a user or a password, however oddly it is written. */
function hasUserinfo(value: string): boolean {
  if (!value.includes('@') || !URL.canParse(value)) return false;
  const { username, password } = new URL(value);
  return username !== '' || password !== '';
}

/** Without what a reader of URLs passes over. */
const asRead = (url: string): string => url.replace(/^[\0- ]+|[\t\n\r]/g, '');

/** A name as who reads the query finds it. */
const decoded = (name: string): string =>
  name.replace(/%([2-7][0-9a-f])/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
