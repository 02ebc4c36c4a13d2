import { bare, type HttpCall, isWeb } from './http-call.ts';

/** Headers that any server may see; the others may be credentials of the first one. */
const FOR_EVERYBODY = new Set([
  'accept',
  'accept-charset',
  'accept-encoding',
  'accept-language',
  'cache-control',
  'content-encoding',
  'content-language',
  'content-type',
  'user-agent',
]);

export const isRedirect = (status: number): boolean => [301, 302, 303, 307, 308].includes(status);

/**
 * The request that a redirect asks for; undefined when its Location is no http or https URL. As in forsun
 * 302 and 303 turn into a GET without body (a HEAD stays one), the others repeat the request. Another
 * origin sees no credentials, nor headers that may be such.
 */
export function redirected(call: HttpCall, status: number, location: string): HttpCall | undefined {
  if (!URL.canParse(location, call.url.href)) return undefined;
  const url = bare(new URL(location, call.url));
  if (!isWeb(url)) return undefined;
  const toGet = (status === 302 || status === 303) && call.method !== 'HEAD';
  const stays = url.origin === call.url.origin;
  const headers = [...call.headers].filter(
    ([name]) => (stays || FOR_EVERYBODY.has(name)) && !(toGet && name.startsWith('content-')),
  );
  const { credentials, ...rest } = call;
  return {
    ...rest,
    ...(stays && credentials !== undefined ? { credentials } : {}),
    url,
    headers: new Map(headers),
    ...(toGet ? { method: 'GET', body: '' } : {}),
  };
}
