import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';

import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';

import { transportReason } from '../../src/actions/no-answer.ts';
import { network } from './support.ts';

let server: Server;
beforeEach(async () => {
  server = createServer((socket) => socket.end('hello')).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
});
afterEach(() => new Promise((resolve) => server.close(resolve)));

const port = (): number => (server.address() as AddressInfo).port;
const { dial } = network();

describe('a dialled connection', () => {
  test('reaches its target by address and by name', async () => {
    for (const host of ['127.0.0.1', 'localhost']) {
      const socket = await dial({ host, port: port(), timeoutSeconds: 5 });
      expect(String(await socket.toArray())).toBe('hello');
    }
  });

  test('is probed after a minute of silence, not after the two hours of the system', async () => {
    const socket = await dial({ host: '127.0.0.1', port: port(), timeoutSeconds: 5 });
    const hex = (socket.localPort ?? 0).toString(16).toUpperCase().padStart(4, '0');
    const timer = new RegExp(`:${hex} \\S+ \\S+ \\S+ 02:([0-9A-F]+)`); // 02: of keep-alive
    const [, hundredths = ''] = timer.exec(readFileSync('/proc/net/tcp', 'utf8')) ?? [];
    const seconds = Number.parseInt(hundredths, 16) / 100;
    await socket.toArray();
    expect(seconds).toBeGreaterThan(50);
    expect(seconds).toBeLessThanOrEqual(60);
  });

  test('that is refused says so by its code', async () => {
    const options = { host: '127.0.0.1', port: port(), timeoutSeconds: 5 };
    await new Promise((resolve) => server.close(resolve));
    expect(await dial(options).catch(transportReason)).toBe('ECONNREFUSED');
  });

  test('to a name without address says so', async () => {
    const options = { host: 'a..b', port: 1, timeoutSeconds: 5 };
    expect(await dial(options).catch(transportReason)).toMatch(/^its name has no address/);
  });

  test('that is given up is not made, and the error is the reason given', async () => {
    const options = { host: '127.0.0.1', port: port(), timeoutSeconds: 5 };
    const signal = AbortSignal.abort(new Error('the deadline'));
    await expect(dial({ ...options, signal })).rejects.toThrow('the deadline');
  });

  test('waits for the address that is slow, though another of the name is refused', async () => {
    const listen =
      "require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }";
    const tell = 'function () { console.log(this.address().port) })';
    const busy = spawn(process.execPath, ['-e', `${listen}, ${tell}`], { stdio: 'pipe' });
    onTestFinished(() => void busy.kill('SIGKILL'));
    const [line] = (await once(busy.stdout, 'data')) as [Buffer];
    const options = { host: 'localhost', port: Number(line), timeoutSeconds: 20 };
    busy.kill('SIGSTOP');
    const waiting = Array.from({ length: 4 }, () =>
      connect(options.port, '127.0.0.1').on('error', () => undefined),
    );
    await once(waiting[0]!, 'connect');
    const dialled = dial(options);
    setTimeout(() => busy.kill('SIGCONT'), 400);
    expect((await dialled).remoteAddress).toBe('127.0.0.1');
    for (const socket of [...waiting, await dialled]) socket.destroy();
  });
});
