import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { beforeAll, expect, test, vi } from 'vitest';

import { aDatabase, aDirectory } from '../../support/database.ts';

// Many openings of real files: long on a machine that is busy.
vi.setConfig({ testTimeout: 120_000 });

const writer = fileURLToPath(new URL('../../support/database-writer.mjs', import.meta.url));
const built = fileURLToPath(new URL('../../../dist/stores/level/database.js', import.meta.url));

beforeAll(() =>
  access(built).catch((cause: unknown) => {
    throw new Error('the built server is missing: run `npm run build` first', { cause });
  }),
);

test.each(['always', 'everysec', 'never'])(
  'sync %s: a process killed at any moment has lost no acknowledged write, and the store opens',
  async (sync) => {
    const directory = await aDirectory();
    let acknowledged = -1;
    for (let round = 0; round < 20; round++) {
      const child = startWriter([directory, String(acknowledged + 1), sync]);
      const enough = acknowledged + 1 + ((round * 37) % 60);
      for await (const line of createInterface({ input: child.stdout! })) {
        acknowledged = Number(line);
        if (acknowledged >= enough) child.kill('SIGKILL');
      }
      const database = await aDatabase(directory);
      const keys = partsOf(acknowledged);
      expect((await database.getMany(keys)).every((part) => part !== undefined)).toBe(true);
      if (round === 19) {
        const all = Array.from({ length: acknowledged + 1 }, (_, n) => partsOf(n)[n % 20]!);
        expect((await database.getMany(all)).indexOf(undefined)).toBe(-1);
      }
      const next = await database.getMany(partsOf(acknowledged + 1));
      expect(new Set(next.map((part) => part === undefined)).size, 'all or nothing').toBe(1);
      await database.close();
    }
  },
);

test('an fsync that fails ends the process, and the next one has all that was acknowledged', async () => {
  expect(spawnSync('strace', ['-V']).status, 'strace is needed: apt-get install strace').toBe(0);
  const directory = await aDirectory();
  await (await aDatabase(directory)).close();
  const failFrom = 40;
  const child = spawn(
    'strace',
    [
      '-f',
      '-qq',
      ...['-o', '/dev/null', '-e', 'trace=fdatasync'],
      ...['-e', `inject=fdatasync:error=EIO:when=${failFrom}+`],
      ...[process.execPath, writer, directory, '0', 'always'],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const said = textOf(child);
  let acknowledged = -1;
  for await (const line of createInterface({ input: child.stdout })) acknowledged = Number(line);
  const [code] = (await exited(child)) as [number];
  expect([code, await said]).toEqual([
    70,
    expect.stringMatching(/^[^\n]*Input\/output error[^\n]*\n/) as string,
  ]);
  expect(acknowledged).toBeGreaterThan(10);

  const again = await aDatabase(directory);
  const all = Array.from({ length: acknowledged + 1 }, (_, n) => partsOf(n)).flat();
  expect((await again.getMany(all)).indexOf(undefined)).toBe(-1);
});

test('a process that was killed holds no lock, one that lives is named', async () => {
  const directory = await aDirectory();
  const child = startWriter([directory, '0', 'always']);
  await once(child.stdout!, 'data');
  await expect(aDatabase(directory)).rejects.toMatchObject({
    kind: 'locked',
    message: expect.stringContaining(`process ${child.pid ?? 0} has`) as string,
  });
  child.kill('SIGKILL');
  await exited(child);
  await expect(aDatabase(join(directory))).resolves.toBeDefined();
});

const startWriter = (args: readonly string[]): ChildProcess =>
  spawn(process.execPath, [writer, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });

const partsOf = (n: number): readonly Buffer[] =>
  Array.from({ length: 20 }, (_, part) => Buffer.from(`b${n}/${part}`));

async function exited(child: ChildProcess): Promise<unknown> {
  return child.exitCode === null && child.signalCode === null
    ? once(child, 'exit')
    : [child.exitCode];
}

async function textOf(child: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of child.stderr!) text += String(chunk);
  return text;
}
