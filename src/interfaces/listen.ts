import { chmod } from 'node:fs/promises';
import type { AddressInfo, Server } from 'node:net';

import { unixPath } from '../core/unix-path.ts';
import { onUnixSocket } from './access/peer.ts';
import { removeStaleSocket, socketMode } from './unix-socket.ts';

/**
 * Lets the server listen on a TCP port, or on a Unix socket, for which `host` is unix:/path. Resolves to where
 * it does; of a socket, the address is unix:/path again. Rejects when that cannot be had.
 */
export async function listenAt(server: Server, host: string, port: number): Promise<AddressInfo> {
  const path = unixPath(host);
  if (path !== undefined) await removeStaleSocket(path);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path === undefined ? { host, port } : { path }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  if (path === undefined) return server.address() as AddressInfo; // it listens on TCP
  await chmod(path, socketMode);
  return { address: host, family: onUnixSocket, port: 0 };
}
