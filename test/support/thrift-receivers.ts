import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import thrift from 'thrift';
import { onTestFinished } from 'vitest';

import { generated } from '../../src/client/generated.ts';
import { aDirectory } from './database.ts';

/** A call of forsun_call as its receiver saw it. */
export interface ReceivedCall {
  readonly key: string;
  readonly ts: number;
  readonly params: Readonly<Record<string, string>>;
}

export interface Receiver {
  readonly port: number;
  readonly calls: readonly ReceivedCall[];
}

export type Transport = 'buffered' | 'framed';
export type Encoding = 'binary' | 'compact';

/**
 * The thrift package's own server; a key that begins with "raise" makes it raise, and `answer` may hold its
 * replies back. Ends with the test.
 */
export async function aNodeReceiver(
  transport: Transport,
  encoding: Encoding,
  answer: (call: ReceivedCall) => Promise<void> = async () => undefined,
): Promise<Receiver> {
  const calls: ReceivedCall[] = [];
  const handler = {
    // The generated code tells by their number that no callback is wanted.
    forsun_call: async (key: string, ts: number, params: Record<string, string>): Promise<void> => {
      const call = { key, ts, params };
      calls.push(call);
      await answer(call);
      if (key.startsWith('raise')) throw new Error('the order is s3cret');
    },
  };
  const server = thrift.createServer(generated.Processor, handler, {
    transport: transport === 'framed' ? thrift.TFramedTransport : thrift.TBufferedTransport,
    protocol: encoding === 'compact' ? thrift.TCompactProtocol : thrift.TBinaryProtocol,
  }) as unknown as Server;
  const sockets = new Set<Socket>();
  server.on('error', () => undefined); // the package raises socket errors here
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.close();
    for (const socket of sockets) socket.destroy();
    await once(server, 'close');
  });
  return { port: (server.address() as AddressInfo).port, calls };
}

const script = fileURLToPath(new URL('forsun_receiver.py', import.meta.url));

/** The same on Debian's python3-thrift and what its compiler makes of forsun.thrift. */
export async function aPythonReceiver(transport: Transport, encoding: Encoding): Promise<Receiver> {
  const directory = await aDirectory();
  execFileSync('thrift', ['--gen', 'py', '-out', directory, 'forsun.thrift']);
  const child = spawn('/usr/bin/python3', [script, directory, transport, encoding], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(async () => {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  });
  const calls: ReceivedCall[] = [];
  const lines = createInterface(child.stdout);
  const port = await new Promise<number>((resolve, reject) => {
    child.once('exit', () => reject(new Error('the receiver has ended')));
    lines.on('line', (line) => {
      const said = JSON.parse(line) as ReceivedCall | { readonly port: number };
      if ('port' in said) resolve(said.port);
      else calls.push(said);
    });
  });
  return { port, calls };
}
