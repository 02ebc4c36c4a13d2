import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { expect, onTestFinished, test, vi } from 'vitest';

import { aDirectory } from '../support/database.ts';
import { eventually, eventuallyPasses } from '../support/eventually.ts';
import { aStore, ForsundProcess } from '../support/forsund-process.ts';
import { aGate } from '../support/gate.ts';
import { isNightly } from '../support/nightly.ts';
import { childrenOf, processes } from '../support/processes.ts';

vi.setConfig({ testTimeout: 120_000 });

/** Tells its attempt in the file; the first one then stays, in three processes, until it is killed. */
const deaf = (marks: string): string => {
  const stay = `tail -f ${marks}.held`;
  return (
    `trap '' TERM; touch ${marks}.held; echo $FORSUN_ATTEMPT >> ${marks}; ` +
    `[ $FORSUN_ATTEMPT = 2 ] || { ${stay} & ${stay}; }`
  );
};

const linesOf = (file: string): string[] =>
  existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];

test('a second signal takes the commands that run along, however deaf they are', async () => {
  const store = await aStore();
  const marks = join(await aDirectory(), 'marks');
  const forsund = await ForsundProcess.start({ store, args: ['--stop-grace', '3600'] });
  await forsund.client().createTimeout({ key: 'k', second: 0, params: { cmd: deaf(marks) } });
  await eventually(() => processes(`tail -f ${marks}.held`).length === 3); // the shell is one
  forsund.signal('SIGTERM');
  await eventually(() => forsund.output.includes('stopping'));
  const again = setInterval(() => forsund.signal('SIGTERM'), 400); // one too soon is no second one
  expect(await forsund.exited.finally(() => clearInterval(again))).toEqual({
    code: 143,
    signal: null,
  });
  await eventually(() => processes(marks).length === 0); // SIGKILL takes its moment

  await ForsundProcess.start({ store });
  await eventuallyPasses(() => expect(linesOf(marks)).toEqual(['1', '2']));
});

test('kill -9 leaves commands running, and the next start runs them again beside themselves', async () => {
  const store = await aStore();
  const marks = join(await aDirectory(), 'marks');
  const forsund = await ForsundProcess.start({ store });
  await forsund.client().createTimeout({ key: 'k', second: 0, params: { cmd: deaf(marks) } });
  await eventually(() => processes(`tail -f ${marks}.held`).length === 3);
  onTestFinished(() => void execFileSync('pkill', ['-KILL', '-f', `tail -f ${marks}.held`]));
  await forsund.kill('SIGKILL');
  await ForsundProcess.start({ store });
  await eventuallyPasses(() => expect(linesOf(marks)).toEqual(['1', '2']));
  expect(processes(marks)).toHaveLength(3);
});

test('a deaf command is gone after its deadline and the grace, and is not run again', async () => {
  const marks = join(await aDirectory(), 'marks');
  const args = ['--action-shell-kill-grace', '1'];
  const forsund = await ForsundProcess.start({ store: await aStore(), args });
  const client = forsund.client();
  const params = { cmd: deaf(marks), 'forsun.timeout': '1' };
  await client.createTimeout({ key: 'k', second: 0, params });
  await eventually(() => processes(`tail -f ${marks}.held`).length === 3);
  await eventuallyPasses(async () => expect(await client.getKeys()).toEqual([]));
  await eventually(() => processes(marks).length === 0); // SIGKILL takes its moment
  expect(linesOf(marks)).toEqual(['1']);
  expect(childrenOf(forsund.pid)).toEqual([]);
  expect(forsund.output).toMatch(
    /firing_failed key=k .* reason="not done within its deadline of 1 s"/,
  );
});

test('where the system has no room for more processes, commands wait for it', async () => {
  const args = ['--action-retry-delay-seconds', '1', '--action-retry-delay-rate', '0'];
  const under = ['prlimit', '--nofile=300'];
  const forsund = await ForsundProcess.start({ store: await aStore(), args, under });
  const client = forsund.client();
  const keys = Array.from({ length: 200 }, (_, n) => `k${n}`);
  const params = { cmd: 'sleep 0.5', 'forsun.retries': '100' };
  await Promise.all(keys.map((key) => client.createTimeout({ key, second: 1, params })));
  await eventuallyPasses(async () => expect(await client.getKeys()).toEqual([]));
  expect((await client.info()).get('action_executed_error_count')).toBe('0');
  expect(forsund.output).toContain('the system has no room for a process (EMFILE)');
});

test('five hundred commands run at once, and leave neither process nor zombie', async () => {
  const directory = await aDirectory();
  const marks = join(directory, 'marks');
  const gate = await aGate(join(directory, 'gate'));
  const forsund = await ForsundProcess.start({ store: await aStore() });
  const client = forsund.client();
  const cmd = `echo "$FORSUN_KEY" >> ${marks}; ${gate.pass}`;
  const keys = Array.from({ length: 500 }, (_, n) => `k${n}`);
  await Promise.all(keys.map((key) => client.createTimeout({ key, second: 1, params: { cmd } })));
  await eventually(() => linesOf(marks).length === 500);
  expect((await client.info()).get('action_executing_count')).toBe('500');
  await gate.let(500);
  await eventuallyPasses(async () => expect(await client.getKeys()).toEqual([]));
  expect(linesOf(marks).toSorted()).toEqual(keys.toSorted());
  expect((await client.info()).get('action_executed_error_count')).toBe('0');
  expect(childrenOf(forsund.pid)).toEqual([]);
  expect(processes(directory)).toEqual([]);
});

test('no more commands run at once than the settings allow, and all of them run', async () => {
  const marks = join(await aDirectory(), 'marks');
  const args = ['--action-max-runs', '8', '--action-shell-max-runs', '1'];
  const forsund = await ForsundProcess.start({ store: await aStore(), args });
  const client = forsund.client();
  // A line is appended in one write, so the lines stand in the order in which it happened.
  const cmd = (seconds: number): string =>
    `echo +1 >> ${marks}; sleep ${seconds}; echo -1 >> ${marks}`;
  const keys = Array.from({ length: 40 }, (_, n) => `k${n}`);
  const params = { cmd: cmd(0.2) };
  await Promise.all(keys.map((key) => client.createTimeout({ key, second: 1, params })));
  await eventuallyPasses(async () => expect(await client.getKeys()).toEqual([]));
  const ofMany = linesOf(marks);
  rmSync(marks);
  await client.createTimeout({ key: 'often', second: 1, count: 4, params: { cmd: cmd(1.3) } });
  await eventuallyPasses(async () => expect(await client.getKeys()).toEqual([]));
  const ofOne = linesOf(marks);

  const mostOf = (lines: readonly string[]): number => {
    const atOnce = lines.map((_, n) =>
      lines.slice(0, n + 1).reduce((sum, step) => sum + Number(step), 0),
    );
    expect(atOnce.at(-1)).toBe(0);
    return Math.max(...atOnce);
  };
  expect([ofMany.length, ofOne.length]).toEqual([2 * 40, 2 * 4]);
  expect(mostOf(ofMany)).toBeLessThanOrEqual(8);
  expect(mostOf(ofOne)).toBe(1);
});

test('a command that prints gigabytes costs the server no memory', async () => {
  const size = isNightly ? 10 * 2 ** 30 : 2 ** 30;
  const forsund = await ForsundProcess.start({
    store: await aStore(),
    args: ['--log-level', 'debug'],
  });
  const client = forsund.client();
  const memory = async (): Promise<number> => Number((await client.info()).get('mem_rss'));
  const cmd = `head -c ${size / 2} /dev/zero & head -c ${size / 2} /dev/zero >&2; wait`;
  await client.createTimeout({ key: 'warm', second: 0, params: { cmd: 'head -c 9M /dev/zero' } });
  await eventuallyPasses(async () => expect(await client.getKeys()).toEqual([]));
  const before = await memory();
  let highest = before;
  await client.createTimeout({ key: 'loud', second: 0, params: { cmd } });
  while ((await client.getKeys()).length > 0) highest = Math.max(highest, await memory());
  expect(forsund.output).toContain(`stdout_bytes=${size / 2} stderr_bytes=${size / 2}`);
  expect(highest - before).toBeLessThan(128 * 2 ** 20);
});
