import { expect, test, vi } from 'vitest';

import { eventuallyPasses } from '../support/eventually.ts';
import { aStore, ForsundProcess } from '../support/forsund-process.ts';
import { freePort } from '../support/free-port.ts';
import { runForsun } from '../support/run-forsun.ts';

vi.setConfig({ testTimeout: 120_000 });

test('law 9, nothing silent: what was given up can be looked up, with its reason, after kill -9 too', async () => {
  const store = await aStore();
  const args = ['--action-retry-delay-seconds', '0'];
  const forsund = await ForsundProcess.start({ store, args });
  const client = forsund.client();
  const url = `http://127.0.0.1:${await freePort()}/`;
  const params = { url, body: 'geheim', 'forsun.retries': '1' };
  const { nextFireTime } = await client.createTimeout({ key: 'k', action: 'http', params });
  await client.createTimeout({ key: 'other', params: { cmd: 'exit 3' } });
  await eventuallyPasses(async () => expect(await client.getFailures()).toHaveLength(2));

  const [failure] = await client.getFailures('k');
  expect(failure).toMatchObject({ key: 'k', action: 'http', fireTime: nextFireTime, attempts: 2 });
  expect(failure!.reason).toContain('ECONNREFUSED');
  expect(forsund.output).toContain('firing_failed');
  expect(forsund.output).not.toContain('geheim');
  expect(await client.getKeys()).toEqual([]);
  await forsund.kill('SIGKILL');

  const again = await ForsundProcess.start({ store });
  expect(await again.client().getFailures('k')).toEqual([failure]);
  const { stdout } = await runForsun(['--port', String(again.port), 'failures', 'k']);
  expect(stdout).toMatch(/^\S+ \S+ {2}k {2}2 attempts {2}.*ECONNREFUSED\n$/);
});
