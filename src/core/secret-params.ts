import { badArgument, quote } from './errors.ts';
import type { Params } from './plan.ts';

/** Stands for a secret where its reader may not see it. */
export const hidden = '[redacted]';

/** Names of params, of variables and of a URL's query whose values are secrets, by how they end. */
const secretName =
  /(passwd|password|passphrase|pwd|secret|token|credentials?|authorization|cookie|signature|(^|[_-])(pass|auth|sig)|(api|access|auth|private|secret)[_-]?key)$/i;

/** Only where a secret is to be found: shown as it is, after the scheme of an Authorization if there is one. */
const reference = /^((Basic|Bearer|Token) )?\$\{(env|file):[^}]*\}$/i;

/**
 * What begins as a URL does, in whatever text; `http:` needs no slashes, and takes backslashes for them. The
 * scheme has an end, or a long word would be read again from each of its letters.
 */
const urls = /(?:https?:[\\/]*|[a-z][a-z0-9+.-]{0,30}:\/\/)[^\s"'<>]+/gi;
const userinfo = /^((?:https?:[\\/]*|[a-z][a-z0-9+.-]{0,30}:\/\/))([^\\/?#]+)@/i;
const queryPairs = /([?&;])([^?&;=#]+)=([^&;#]+)/g;
/** As the param env of shell has them. */
const variables = /(^|;)([^;=]+)=([^;]+)/g;

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

function replaceSecrets(name: string, value: string, replace: (secret: string) => string): string {
  if (value === '') return value;
  if (secretName.test(name)) return replace(value);
  const ofName = (found: string, before: string, key: string, secret: string): string =>
    secretName.test(key) ? `${before}${key}=${replace(secret)}` : found;
  if (name === 'env') return value.replace(variables, ofName);
  const ofUrl = (url: string): string =>
    url
      .replace(userinfo, (_, before: string, secret: string) => `${before}${replace(secret)}@`)
      .replace(queryPairs, ofName);
  return (hasUserinfo(value) ? ofUrl(asRead(value)) : value).replace(urls, ofUrl);
}

/** The value is a URL with a user or a password, however oddly it is written. */
function hasUserinfo(value: string): boolean {
  if (!value.includes('@') || !URL.canParse(value)) return false;
  const { username, password } = new URL(value);
  return username !== '' || password !== '';
}

/** Without what a reader of URLs passes over. */
const asRead = (url: string): string => url.replace(/^[\0- ]+|[\t\n\r]/g, '');
