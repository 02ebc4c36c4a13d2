import { access, lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname } from 'node:path';

/** Who may connect: the user that the server runs as. */
export const socketMode = 0o600;

/**
 * Makes room for a socket to listen on: one that nobody answers at, as a killed server leaves it, is
 * removed. Rejects when somebody does answer, or what is there is no socket.
 */
export async function removeStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(absent);
  if (found === undefined) {
    await access(dirname(path)).catch(() => {
      throw new Error(`cannot listen on ${path}: its directory is not there`);
    });
    return;
  }
  if (!found.isSocket()) throw new Error(`cannot listen on ${path}: what is there is no socket`);
  if (await isAnswered(path)) throw new Error(`cannot listen on ${path}: a server answers there`);
  await unlink(path).catch(absent);
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

/** False only when it is sure: a server that is too busy to accept refuses otherwise. */
const isAnswered = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ path });
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'));
  });
