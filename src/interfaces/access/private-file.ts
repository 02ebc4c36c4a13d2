import { readFile, stat } from 'node:fs/promises';

const othersMay = { read: 0o004, write: 0o022 } as const;

/**
 * The text of a file that only its owner may write, and nobody but its owner and group may read. Rejects
 * with an Error that names the file and what to do about it.
 */
export async function readPrivateFile(path: string): Promise<string> {
  const found = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  if (found.isDirectory()) throw new Error(`${path}: ${isDirectory}`);
  const { mode } = found;
  if ((mode & (othersMay.read | othersMay.write)) !== 0) {
    const octal = (mode & 0o777).toString(8).padStart(4, '0');
    throw new Error(
      `${path}: its mode is ${octal}, so others may read or change it; chmod 600 (or 640) it`,
    );
  }
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw unreadable(path, error);
  });
}

/** The error that a file met with, in words. */
export function unreadable(path: string, error: unknown): Error {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return new Error(`${path}: ${reasons[code] ?? message}`, { cause: error });
}

const isDirectory = 'it is a directory';
const reasons: Readonly<Partial<Record<string, string>>> = {
  ENOENT: 'no such file',
  EACCES: 'the user that forsund runs as may not read it',
  EISDIR: isDirectory,
};
