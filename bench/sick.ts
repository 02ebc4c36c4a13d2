import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

import { listen } from './measure.ts';

/** Something that is sick until it is closed. */
interface Sick {
  readonly port: number;
  readonly close: () => Promise<void>;
}

/** Takes every connection, reads what comes and answers nothing. */
export async function mute(): Promise<Sick> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.resume();
  });
  const port = await listen(server);
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port, close };
}

/** A port at which nobody listens, as far as that can be had. */
export async function refusing(): Promise<Sick> {
  const closed = await mute();
  await closed.close();
  return { port: closed.port, close: () => Promise.resolve() };
}

/** Its queue of connections is full and nobody takes any out: further ones hear nothing. */
export async function blackHole(): Promise<Sick> {
  const program = `const server = require('node:net').createServer();
    server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(server.address().port));`;
  const child = spawn(process.execPath, ['--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  child.kill('SIGSTOP');
  const close = async (): Promise<void> => {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };
  return { port: Number(said.toString()), close };
}

/** A name server that hears every question and answers none. */
export async function silentNameServer(): Promise<Sick> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const close = (): Promise<void> => new Promise((resolve) => void socket.close(() => resolve()));
  return { port: socket.address().port, close };
}
