interface SystemError extends Error {
  readonly code: string;
  readonly syscall?: string;
  readonly address?: string;
  /** What was looked up, of a name. */
  readonly hostname?: string;
  readonly port?: number;
  readonly path?: string;
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EADDRINUSE: 'it is in use; is a forsund running already?',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'the name is unknown',
  EAI_AGAIN: 'no name server answers',
  ENOENT: 'no such file or directory',
  ENOTDIR: 'a part of the path is no directory',
  EISDIR: 'it is a directory',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left on device',
  EMFILE: 'too many open files',
};

/** Why the server did not start, in one line, without what only a programmer reads. */
export function failureText(error: unknown): string {
  if (!(error instanceof Error)) return oneLine(String(error));
  if (!isSystemError(error)) return oneLine(error.message || error.name);
  const reason = reasons[error.code] ?? error.message;
  if (error.syscall === 'listen' || error.syscall === 'getaddrinfo') {
    const at = [error.hostname ?? error.address, error.port];
    const where = at.filter((part) => part !== undefined && part !== -1).join(' port ');
    return oneLine(`cannot listen on ${where}: ${reason}`);
  }
  return oneLine(error.path === undefined ? error.message : `${error.path}: ${reason}`);
}

const isSystemError = (error: Error): error is SystemError =>
  'code' in error && 'syscall' in error && typeof error.code === 'string';

/** The text as one line that a terminal only shows: a name or an error from outside may hold anything. */
export const oneLine = (text: string): string =>
  text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu, ' ');
