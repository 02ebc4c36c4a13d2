import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';

import type { TlsFiles } from '../access/tls-files.ts';
import type { HttpSettings } from './settings.ts';

/** Slow clients are looked for that often. */
const sweepMs = 1_000;
const keepAliveMs = 60_000;

/** Node's server with our limits. */
export const createPlainServer = (settings: HttpSettings, serve: RequestListener): Server =>
  createServer(nodeOptions(settings), serve);

/** The same with TLS, which follows its files as they change. */
export function createTlsServer(
  settings: HttpSettings,
  tls: TlsFiles,
  serve: RequestListener,
): HttpsServer {
  const handshakeTimeout = settings.headerTimeoutMs;
  const options = { ...nodeOptions(settings), ...tls.options, handshakeTimeout };
  const server = createHttpsServer(options, serve);
  tls.onChange((changed) => server.setSecureContext(changed));
  return server;
}

const nodeOptions = (settings: HttpSettings): ServerOptions => ({
  insecureHTTPParser: false, // also when NODE_OPTIONS says otherwise
  requireHostHeader: true,
  maxHeaderSize: settings.headerBytes,
  headersTimeout: Math.min(settings.headerTimeoutMs, settings.requestTimeoutMs),
  requestTimeout: settings.requestTimeoutMs,
  connectionsCheckingInterval: sweepMs,
  keepAliveTimeout: settings.idleTimeoutMs,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: keepAliveMs,
});
