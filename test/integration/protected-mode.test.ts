import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test, vi } from 'vitest';

import { addToken } from '../../src/interfaces/access/add-token.ts';
import { someCertificates } from '../support/certificates.ts';
import { aDirectory } from '../support/database.ts';
import { eventually, eventuallyPasses } from '../support/eventually.ts';
import { aStore, type ForsundOptions, ForsundProcess } from '../support/forsund-process.ts';
import { mayNotMount } from '../support/may-not-mount.ts';
import { NetNamespace } from '../support/net-namespace.ts';

vi.setConfig({ testTimeout: 60_000 });

const wide = ['--bind', '0.0.0.0'];

/** A server that reaches beyond loopback, on a host of its own. */
async function aWideServer(
  options: Partial<ForsundOptions> = {},
): Promise<{ forsund: ForsundProcess; host: NetNamespace }> {
  const host = NetNamespace.make();
  const args = [...wide, ...(options.args ?? [])];
  const store = await aStore();
  const forsund = await ForsundProcess.start({ store, ...options, args, under: host.under });
  return { forsund, host };
}

describe.skipIf(mayNotMount)('protected mode', () => {
  test('a peer from beyond loopback is told its address and the exact setting, and no more', async () => {
    const { forsund, host } = await aWideServer();
    const { address } = host;
    const refusal = `serves loopback and trusted networks, and ${address} is in none. To serve it, start forsund with --trust-network ${address}/32 (or FORSUN_TRUST_NETWORK=${address}/32)`;
    for (const command of ['ls', "set k */5/1 * * * * * http 'url=http://127.0.0.1:9/'"]) {
      const refused = await host.forsun(address, forsund.port, command);
      expect(refused).toMatchObject({ code: 1, stdout: '' });
      expect(refused.stderr).toContain(refusal);
    }
    expect(await host.forsun('127.0.0.1', forsund.port, 'ls')).toMatchObject({
      code: 0,
      stdout: '',
    });
    expect(forsund.output).toContain(`thrift_peer_refused peer=${address}`);
  });

  test('so is one that asks the HTTP bridge, and no header makes it another', async () => {
    const { forsund, host } = await aWideServer({ args: ['--http', '0.0.0.0:0'] });
    const url = `http://${host.address}:${forsund.httpPort}/v1/ping`;
    const curl = (...words: string[]): string => {
      const [command = '', ...args] = [...host.under, 'curl', '-si', ...words];
      return execFileSync(command, args, { encoding: 'utf8' });
    };
    const refused = curl('-H', 'X-Forwarded-For: 127.0.0.1', url);
    expect(refused).toMatch(/^HTTP\/1\.1 403 .*connection: close.*"errcode":1010/is);
    expect(refused).toContain(`start forsund with --trust-network ${host.address}/32`);
    expect(curl(`http://127.0.0.1:${forsund.httpPort}/v1/ping`)).toMatch(/^HTTP\/1\.1 200 /);
    const told = `http_peer_refused peer=${host.address}`;
    await eventually(() => forsund.output.includes(told));
  });

  test('a token lets one in over TLS, and over nothing else', async () => {
    const file = await someCertificates();
    const tokens = join(await aDirectory(), 'tokens');
    const token = await addToken(tokens, ['app', 'read']);
    const tls = ['--tls-cert', file('server.pem'), '--tls-key', file('server.key')];
    const statuses = async (scheme: string, ...args: string[]): Promise<readonly string[]> => {
      const { forsund, host } = await aWideServer({
        args: [...args, '--token-file', tokens, '--http', '0.0.0.0:0'],
      });
      const ask = (...headers: string[]): string => {
        const url = `${scheme}://${host.address}:${forsund.httpPort}/v1/keys`;
        const shown = ['-sko', '/dev/null', '-w', '%{http_code}', ...headers, url];
        const [command = '', ...words] = [...host.under, 'curl', ...shown];
        return execFileSync(command, words, { encoding: 'utf8' });
      };
      return [ask(), ask('-H', `Authorization: Bearer ${token}`)];
    };
    expect(await statuses('https', ...tls)).toEqual(['401', '200']);
    expect(await statuses('http')).toEqual(['403', '403']);
  });

  const trusted = '192.0.2.0/24';
  test.each([
    ['by flag', { args: ['--trust-network', '192.0.2.1/32'] }],
    [
      'by flags, as a wider network',
      { args: ['--trust-network=10.0.0.0/8', '--trust-network', trusted] },
    ],
    ['by environment', { env: { FORSUN_TRUST_NETWORK: trusted } }],
  ])('a peer of a trusted network is served: %s', async (_how, options) => {
    const { forsund, host } = await aWideServer(options);
    expect(await host.forsun(host.address, forsund.port, 'ls')).toMatchObject({ code: 0 });
  });
});

describe.skipIf(mayNotMount)('the shell action', () => {
  const inASecond = (command: string): string => `set k */1/1 * * * * * shell '${command}'`;

  test('is off while a listener reaches beyond loopback, and says why', async () => {
    const { forsund, host } = await aWideServer();
    const refused = await host.forsun('127.0.0.1', forsund.port, inASecond('true'));
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/--allow-shell .*\(1006\)/);
  });

  test('is off while the HTTP bridge alone does', async () => {
    const args = ['--http', '0.0.0.0:0'];
    const forsund = await ForsundProcess.start({ store: await aStore(), args });
    const plan = { key: 'k', second: 1, params: { cmd: 'true' } };
    await expect(forsund.client().createTimeout(plan)).rejects.toMatchObject({ code: 1006 });
  });

  test('is on there when it is allowed', async () => {
    const file = join(await aDirectory(), 'ran');
    const { forsund, host } = await aWideServer({ args: ['--allow-shell'] });
    await host.forsun('127.0.0.1', forsund.port, inASecond(`touch ${file}`));
    await eventually(() => existsSync(file));
  });

  test('that a stored plan needs and may not have fails the plan, and runs nothing', async () => {
    const file = join(await aDirectory(), 'ran');
    const store = await aStore();
    const args = ['--store-status-expried', '60'];
    const before = await ForsundProcess.start({ store, args });
    const plan = { key: 'k', second: 2, params: { cmd: `touch ${file}` } };
    await before.client().createTimeout(plan);
    await before.kill('SIGTERM');
    const { forsund, host } = await aWideServer({ store, args });
    await eventuallyPasses(async () => {
      const { stdout } = await host.forsun('127.0.0.1', forsund.port, '--json', 'get', 'k');
      expect(stdout).toMatch(/"status": ?-1/);
    });
    expect(existsSync(file)).toBe(false);
  });
});
