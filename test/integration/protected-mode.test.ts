import { existsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';

import { beforeAll, describe, expect, test, vi } from 'vitest';

import { ForsunClient } from '../../src/client/forsun-client.ts';
import { aDirectory } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { aStore, ForsundProcess } from '../support/forsund-process.ts';

vi.setConfig({ testTimeout: 60_000 });

/** An address of this machine that is not loopback: whoever calls it comes from it. */
let outside: string;

beforeAll(() => {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const found = all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
  if (found === undefined) {
    throw new Error('protected mode cannot be tested: this machine has no address but loopback');
  }
  outside = found;
});

const wide = ['--bind', '0.0.0.0'];

describe('protected mode', () => {
  test('a peer from beyond loopback is told its address and the exact setting, and no more', async () => {
    const forsund = await ForsundProcess.start({ store: await aStore(), args: wide });
    const refusal = `serves loopback and trusted networks, and ${outside} is in none. To serve it, start forsund with --trust-network ${outside}/32 (or FORSUN_TRUST_NETWORK=${outside}/32)`;
    for (const call of [
      (client: ForsunClient) => client.ping(),
      (client: ForsunClient) => client.createTimeout({ key: 'k', hour: 1 }),
    ]) {
      const client = new ForsunClient({ host: outside, port: forsund.port });
      await expect(call(client)).rejects.toThrow(refusal);
      client.close();
    }
    expect(await forsund.client().getKeys()).toEqual([]);
    expect(forsund.output).toContain(`thrift_peer_refused peer=${outside}`);
  });

  test.each([
    ['by flag', () => ({ args: [...wide, '--trust-network', `${outside}/32`] })],
    [
      'by flag, as a wider network',
      () => ({ args: [...wide, '--trust-network', '0.0.0.0/1', '--trust-network', '128.0.0.0/1'] }),
    ],
    ['by environment', () => ({ args: wide, env: { FORSUN_TRUST_NETWORK: `${outside}/32` } })],
  ])('a peer of a trusted network is served: %s', async (_how, options) => {
    const forsund = await ForsundProcess.start({ store: await aStore(), ...options() });
    const client = new ForsunClient({ host: outside, port: forsund.port });
    await client.ping();
    client.close();
  });
});

describe('the shell action', () => {
  test('is off while a listener reaches beyond loopback, and says why', async () => {
    const forsund = await ForsundProcess.start({ store: await aStore(), args: wide });
    const made = forsund.client().createTimeout({ second: 1, params: { cmd: 'true' } });
    await expect(made).rejects.toMatchObject({
      code: 1006,
      message: expect.stringContaining('--allow-shell') as string,
    });
  });

  test('is on there when it is allowed', async () => {
    const file = join(await aDirectory(), 'ran');
    const args = [...wide, '--allow-shell'];
    const forsund = await ForsundProcess.start({ store: await aStore(), args });
    await forsund.client().createTimeout({ second: 0, params: { cmd: `touch ${file}` } });
    await eventually(() => existsSync(file));
  });

  test('that a stored plan needs and may not have fails the plan, and runs nothing', async () => {
    const file = join(await aDirectory(), 'ran');
    const store = await aStore();
    const keep = ['--store-status-expried', '60'];
    const before = await ForsundProcess.start({ store, args: keep });
    const plan = { key: 'k', second: 2, params: { cmd: `touch ${file}` } };
    await before.client().createTimeout(plan);
    await before.kill('SIGTERM');
    const forsund = await ForsundProcess.start({ store, args: [...wide, ...keep] });
    const client = forsund.client();
    await vi.waitFor(async () => expect((await client.get('k')).status).toBe(-1), {
      timeout: 10_000,
    });
    expect(existsSync(file)).toBe(false);
  });
});
