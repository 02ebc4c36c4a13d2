import { copyFile, writeFile } from 'node:fs/promises';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';

import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';

import { ForsunClient, type ForsunClientOptions } from '../../../src/client/forsun-client.ts';
import { TlsFiles } from '../../../src/interfaces/access/tls-files.ts';
import type { ThriftOptions } from '../../../src/interfaces/thrift/server.ts';
import { pem, someCertificates } from '../../support/certificates.ts';
import { eventually, eventuallyPasses } from '../../support/eventually.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { RawClient } from '../../support/raw-client.ts';
import { RecordedLog } from '../../support/recorded-log.ts';
import { openThriftDoor } from '../../support/thrift-door.ts';
import { WireClient } from '../../support/wire-client.ts';

type Door = Awaited<ReturnType<typeof openThriftDoor>>;

const ca = pem('ca.pem');
const ofClient = { cert: pem('client.pem'), key: pem('client.key') };

let file: (name: string) => string;
let log: RecordedLog;

beforeEach(async () => {
  file = await someCertificates();
  log = new RecordedLog();
});

async function open(
  asks: 'asks for certificates' | 'asks nothing',
  options: Partial<ThriftOptions> = {},
): Promise<{ door: Door; tls: TlsFiles }> {
  const authority = asks === 'asks nothing' ? {} : { ca: file('ca.pem') };
  const paths = { cert: file('server.pem'), key: file('server.key'), ...authority };
  const tls = await TlsFiles.open(paths, new FakeClock(), log);
  onTestFinished(() => tls.close());
  const door = await openThriftDoor({ tls, log }, options);
  onTestFinished(() => door.close());
  return { door, tls };
}

function client(door: Door, options: ForsunClientOptions): ForsunClient {
  const made = new ForsunClient({ port: door.address.port, ...options });
  onTestFinished(() => made.close());
  return made;
}

/** A TLS connection of its own, once it has shaken hands. */
function shaken(door: Door, options: ConnectionOptions = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port: door.address.port, host: '127.0.0.1', ca, ...options });
    onTestFinished(() => void socket.destroy());
    socket.on('secureConnect', () => resolve(socket));
    socket.on('error', reject);
  });
}

const failures = (): readonly unknown[] =>
  log.lines
    .filter(({ event }) => event === 'tls_handshake_failed')
    .map(({ fields }) => fields['reason']);

test('calls are answered over TLS, at the version that both speak', async () => {
  const { door } = await open('asks nothing');
  for (const host of ['127.0.0.1', 'localhost']) {
    const plans = client(door, { host, tls: { ca } });
    await plans.createTimeout({ key: 'k', second: 5 });
    expect(await plans.getKeys()).toEqual(['k']);
  }
  expect((await shaken(door)).getProtocol()).toBe('TLSv1.3');
  expect((await shaken(door, { maxVersion: 'TLSv1.2' })).getProtocol()).toBe('TLSv1.2');
  await expect(
    shaken(door, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' }),
  ).rejects.toThrow();
  await eventually(() => failures().includes('it speaks no TLS of version 1.2 or later'));
});

test('a reply is sent behind the FIN of its client, as without TLS', async () => {
  const { door } = await open('asks nothing');
  const socket = await shaken(door, { allowHalfOpen: true } as ConnectionOptions);
  const call = new WireClient(door.address.port);
  onTestFinished(() => call.close());
  socket.end(call.encode('ping'));
  const reply = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
  expect(reply.toString('latin1')).toContain('ping');
});

describe('a server that asks for client certificates', () => {
  test('serves those of its authority', async () => {
    const { door } = await open('asks for certificates');
    await client(door, { tls: { ca, ...ofClient } }).ping();
  });

  test.each([
    ['without', {}, 'it showed no client certificate', /asks for a client certificate/],
    [
      'of another authority',
      { cert: pem('stranger.pem'), key: pem('stranger.key') },
      'its certificate is not accepted: DEPTH_ZERO_SELF_SIGNED_CERT',
      /it may not accept the certificate it was shown/,
    ],
  ])('closes one %s, and the log says so', async (_, shown, logged, told) => {
    const { door } = await open('asks for certificates');
    await expect(client(door, { tls: { ca, ...shown } }).ping()).rejects.toThrow(told);
    await eventually(() => failures().includes(logged));
    expect(log.lines).toMatchObject([{ fields: { peer: '127.0.0.1' } }]);
    expect(door.counters.value('connections_refused_count')).toBe(1);
    await door.close();
  });
});

describe('who does not come to TLS is closed, and the log says so', () => {
  test.each([
    ['Thrift', '80010001000000047069' + '6e670000000100'],
    ['framed Thrift', '0000001180010001' + '0000000470696e670000000100'],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n').toString('hex')],
  ])('plain %s', async (_, bytes) => {
    const { door } = await open('asks nothing');
    const plain = new RawClient(door.address.port);
    plain.send(bytes);
    await plain.closed;
    expect(failures()).toEqual(['it speaks without TLS, which this port has']);
    expect(door.counters.value('connections_refused_count')).toBe(1);
    await door.close();
  });

  test('who goes away in the middle of its handshake, at once and without a word', async () => {
    const { door } = await open('asks nothing');
    const gone = new RawClient(door.address.port);
    gone.send('1603');
    gone.socket.end();
    await gone.closed;
    expect(failures()).toEqual([]);
    await door.close();
  });

  test('who says nothing, in its time', async () => {
    const { door } = await open('asks nothing', { messageTimeoutMs: 50 });
    const silent = new RawClient(door.address.port);
    await silent.closed;
    expect(failures()).toEqual(['no handshake within 50 ms']);
    await door.close();
  });

  test('while the server closes, at once', async () => {
    const { door } = await open('asks nothing');
    const silent = new RawClient(door.address.port);
    await new Promise((resolve) => silent.socket.on('connect', resolve));
    const pushed = new RawClient(door.address.port);
    pushed.send('16');
    await eventually(() => pushed.socket.bytesWritten === 1);
    await door.close();
    await silent.closed;
    await pushed.closed;
  });

  test('and takes room only until then', async () => {
    const { door } = await open('asks nothing', { connections: 2 });
    const first = new RawClient(door.address.port);
    const second = new RawClient(door.address.port);
    await new Promise((resolve) => first.socket.on('connect', resolve));
    await new Promise((resolve) => second.socket.on('connect', resolve));
    await expect(client(door, { tls: { ca } }).ping()).rejects.toThrow();
    first.close();
    second.send('ff'.repeat(10));
    await second.closed;
    await eventuallyPasses(() => client(door, { tls: { ca } }).ping());
  });
});

test('new connections get the certificate that has taken the place of the former', async () => {
  const { door, tls } = await open('asks nothing');
  const before = await shaken(door);
  expect(before.getPeerCertificate().subject.CN).toBe('server');
  await copyFile(file('server-2.pem'), file('server.pem'));
  await writeFile(file('server.key'), pem('server-2.key'));
  await tls.check();
  expect((await shaken(door)).getPeerCertificate().subject.CN).toBe('server-2');
  expect(before.destroyed).toBe(false);
});

describe('a client', () => {
  test('does not trust a certificate of no authority it knows, or of another name', async () => {
    const { door } = await open('asks nothing');
    await expect(client(door, { tls: true }).ping()).rejects.toThrow(
      /^cannot reach forsund at 127\.0\.0\.1:\d+: its certificate is of no authority/,
    );
    await expect(client(door, { tls: { ca, servername: 'example.org' } }).ping()).rejects.toThrow(
      /example\.org/,
    );
  });

  test('is told that the server may want TLS, or may have none', async () => {
    const { door } = await open('asks nothing');
    await expect(client(door, {}).ping()).rejects.toThrow('it may want TLS');
    const without = await openThriftDoor();
    onTestFinished(() => without.close());
    await expect(client(without, { tls: true }).ping()).rejects.toThrow('it may have no TLS');
  });
});
