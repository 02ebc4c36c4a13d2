import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { beforeEach, expect, test } from 'vitest';

import { addToken } from '../../../src/interfaces/access/add-token.ts';
import { hashOf, parseTokens } from '../../../src/interfaces/access/token-line.ts';
import { aDirectory } from '../../support/database.ts';

let file: string;

beforeEach(async () => {
  file = join(await aDirectory(), 'tokens');
});

test('a new token stands in the file by its hash, and nowhere itself', async () => {
  const token = await addToken(file, ['app', 'write', 'actions=http,redis', 'keys=order-']);
  const text = await readFile(file, 'utf8');
  expect(text).not.toContain(token);
  expect(parseTokens(text)).toEqual([
    {
      hash: hashOf(token).toString('hex'),
      grant: { name: 'app', role: 'write', prefix: 'order-', actions: ['http', 'redis'] },
    },
  ]);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test('what stands in the file stays, also where its last line has no end', async () => {
  await writeFile(file, '# ours', { mode: 0o640 });
  await addToken(file, ['a', 'read']);
  await addToken(file, ['b', 'read']);
  const text = await readFile(file, 'utf8');
  expect(text.split('\n')[0]).toBe('# ours');
  expect(parseTokens(text).map(({ grant }) => grant.name)).toEqual(['a', 'b']);
});

test('what would make the file unusable is refused, and the file stays as it is', async () => {
  await addToken(file, ['app', 'read']);
  await addToken(file, ['app', 'read']);
  const before = await readFile(file, 'utf8');
  await expect(addToken(file, ['app', 'read'])).rejects.toThrow(/line 3: app has 2 tokens already/);
  await expect(addToken(file, ['app', 'root'])).rejects.toThrow('a role is read, write, admin');
  await expect(addToken(file, ['a b', 'read'])).rejects.toThrow('a name is');
  expect(await readFile(file, 'utf8')).toBe(before);
  await chmod(file, 0o666);
  await expect(addToken(file, ['b', 'read'])).rejects.toThrow(/its mode is 0666/);
});
