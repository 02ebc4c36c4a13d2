import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { onTestFinished } from 'vitest';

import type { Grant } from '../../src/interfaces/access/grant.ts';
import { TokenFile } from '../../src/interfaces/access/token-file.ts';
import { formatTokenLine, hashOf, makeToken } from '../../src/interfaces/access/token-line.ts';
import { aDirectory } from './database.ts';
import { FakeClock } from './fake-clock.ts';
import { RecordedLog } from './recorded-log.ts';

export interface GivenTokens<Name extends string> {
  readonly file: string;
  readonly tokens: TokenFile;
  /** Each token by the name it stands for. */
  readonly of: Readonly<Record<Name, string>>;
  readonly clock: FakeClock;
  /** What the file had to say. */
  readonly log: RecordedLog;
}

/** The lines of a token file for these tokens. */
export const tokenLines = (
  tokens: Readonly<Record<string, Omit<Grant, 'name'> & { token: string }>>,
) =>
  Object.entries(tokens)
    .map(([name, { token, ...rest }]) =>
      formatTokenLine({ hash: hashOf(token).toString('hex'), grant: { name, ...rest } }),
    )
    .join('\n');

/** A token file of new tokens, open until the test is finished. */
export async function aTokenFile<Name extends string>(
  grants: Readonly<Record<Name, Omit<Grant, 'name'>>>,
): Promise<GivenTokens<Name>> {
  const file = join(await aDirectory(), 'tokens');
  const made = Object.entries<Omit<Grant, 'name'>>(grants).map(
    ([name, grant]) => [name, { ...grant, token: makeToken() }] as const,
  );
  await writeFile(file, `${tokenLines(Object.fromEntries(made))}\n`, { mode: 0o600 });
  const clock = new FakeClock();
  const log = new RecordedLog();
  const tokens = await TokenFile.open(file, clock, log);
  onTestFinished(() => tokens.close());
  const of = Object.fromEntries(made.map(([name, { token }]) => [name, token]));
  return { file, tokens, of: of as Record<Name, string>, clock, log };
}
