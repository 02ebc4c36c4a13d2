import { appendFile } from 'node:fs/promises';

import { readPrivateFile } from './private-file.ts';
import { formatTokenLine, hashOf, makeToken, parseGrant, parseTokens } from './token-line.ts';

/**
 * Adds the line of a new token to the file, which is made where there is none, and resolves to the token,
 * which nobody will be able to tell again. The words are a name, a role, and limits, as they stand in a
 * line. Rejects with an Error for what the file would not be usable with, and then leaves it as it is.
 */
export async function addToken(path: string, words: readonly string[]): Promise<string> {
  const grant = parseGrant(words, (problem) => {
    throw new Error(problem);
  });
  const token = makeToken();
  const line = formatTokenLine({ hash: hashOf(token).toString('hex'), grant });
  const before = await readPrivateFile(path).catch((error: unknown) => {
    if (isAbsence(error)) return '';
    throw error;
  });
  const lineBreak = before === '' || before.endsWith('\n') ? '' : '\n';
  try {
    parseTokens(`${before}${lineBreak}${line}`);
  } catch (error) {
    throw new Error(`${path}, ${(error as Error).message}`, { cause: error });
  }
  await appendFile(path, `${lineBreak}${line}\n`, { mode: 0o600 });
  return token;
}

const isAbsence = (error: unknown): boolean =>
  error instanceof Error &&
  error.cause instanceof Error &&
  'code' in error.cause &&
  error.cause.code === 'ENOENT';
