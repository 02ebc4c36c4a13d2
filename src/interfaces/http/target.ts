import type { IncomingMessage } from 'node:http';

/**
 * The target of a request as the router can read it: a path with an escape that is no UTF-8 becomes one that
 * nothing is at, in the same part of the bridge.
 */
export function routableTarget({ url = '/' }: IncomingMessage): string {
  const [path = ''] = /^[^?#]*/.exec(url) ?? [];
  if (isDecodable(path)) return url;
  const [part = ''] = /^\/[^/%]*/.exec(path) ?? [];
  return `${part}/%00`;
}

function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

/** The host in a target that is all of a URL, as proxies are asked; undefined for any other. */
export const hostInTarget = (target: string): string | undefined =>
  /^[a-z]+:\/\/([^/?#]*)/i.exec(target)?.[1];

/** The first part of its path, as /v1. */
export const partOfTarget = (target: string): string =>
  /^(?:[a-z]+:\/\/[^/?#]*)?(\/[^/?#]*)/i.exec(target)?.[1] ?? '/';
