import { isIP } from 'node:net';

import type { FastifyReply, FastifyRequest } from 'fastify';

import { quote } from '../../core/errors.ts';
import type { HttpLobby } from './connection.ts';
import { HttpRefusal } from './refusal.ts';
import { hostInTarget } from './target.ts';

/** Names and origins that are served beside what is always. */
export interface ServedNames {
  /** Host names with dots in them. */
  readonly hosts: readonly string[];
  /** Origins of pages, such as https://ops.example.com. */
  readonly origins: readonly string[];
}

/**
 * Refuses what a page of somebody else's makes a browser send. Host must be an address, a name without
 * dots, or one that is served: any other may be a name that its owner has just let point here. An origin
 * must be the server's own, or one that is served; that one is told that it may read the answer.
 */
export function browserRules(
  { hosts, origins }: ServedNames,
  { counters, complaints }: Pick<HttpLobby, 'counters' | 'complaints'>,
) {
  const servedHosts = new Set(hosts.map((host) => host.toLowerCase()));
  const servedOrigins = new Set(origins.map((origin) => origin.toLowerCase()));

  return (request: FastifyRequest, reply: FastifyReply): void => {
    const { host, origin } = request.headers;
    const given = hostHeaders(request.raw.rawHeaders);
    if (given > 1) throw new HttpRefusal(400, 'there are several Host headers, expected one');
    for (const named of [host, hostInTarget(request.originalUrl)]) {
      if (named !== undefined && !isServedHost(named)) throw refused(request, wrongHost(named));
    }
    if (origin === undefined || isOwn(origin, request)) return;
    if (!servedOrigins.has(origin.toLowerCase())) throw refused(request, wrongOrigin(origin));
    reply.headers({ 'access-control-allow-origin': origin, vary: 'Origin' });
  };

  function refused({ raw }: FastifyRequest, reason: string): HttpRefusal {
    counters.add('browsers_refused_count');
    complaints.warn('http_browser_refused', { peer: raw.socket.remoteAddress, reason });
    return new HttpRefusal(403, reason);
  }

  function isServedHost(host: string): boolean {
    const name = nameIn(host);
    return name !== undefined && (isIP(name) !== 0 || !name.includes('.') || servedHosts.has(name));
  }
}

/** A browser asks whether a page of another origin may send what it is about to. */
export const isPreflight = ({ method, headers }: FastifyRequest): boolean =>
  method === 'OPTIONS' && 'origin' in headers && 'access-control-request-method' in headers;

/** What such a page may send, once its origin was found to be served. */
export const preflightHeaders = {
  'access-control-allow-methods': 'GET, POST, PUT, DELETE',
  'access-control-allow-headers': 'Authorization, Content-Type, If-None-Match',
  'access-control-max-age': '600',
};

const isOwn = (origin: string, { protocol, headers }: FastifyRequest): boolean =>
  origin.toLowerCase() === `${protocol}://${headers.host ?? ''}`.toLowerCase();

/** Host without its port and the dot that may end a name, in lower case; undefined when it is no host. */
function nameIn(host: string): string | undefined {
  const [, address, name] = /^(?:\[(.+)\]|([^[\]:/@\s]+?)\.?)(?::\d*)?$/i.exec(host) ?? [];
  if (address !== undefined && isIP(address) !== 6) return undefined;
  return (address ?? name)?.toLowerCase();
}

/** Node keeps the first of several and does not tell. */
const hostHeaders = (rawHeaders: readonly string[]): number =>
  rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host').length;

const wrongHost = (host: string): string =>
  `Host is ${quote(host)}, expected an address, a name without dots, or one of --http-host`;

const wrongOrigin = (origin: string): string =>
  `Origin is ${quote(origin)}, expected this server's own, or one of --http-origin`;
