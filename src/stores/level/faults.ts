/** What the system said, told apart by its code or, from LevelDB, which hands on texts only, by text. */
export const isDiskFull = (error: unknown): boolean =>
  says(error, /\b(ENOSPC|EDQUOT)\b|No space left on device|Disk quota exceeded|not enough space/);

/** The disk failed under a write or an fsync: what the system holds as written may be gone. */
export const isDiskFailure = (error: unknown): boolean =>
  says(error, /\bEIO\b|Input\/output error|I\/O error/);

export const isMissing = (error: unknown): boolean => says(error, /\bENOENT\b/);

export const isLocked = (error: unknown): boolean => says(error, /\bLEVEL_LOCKED\b/);

/** The innermost text: what the system or LevelDB said itself. */
export function reasonOf(error: unknown): string {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  return inner instanceof Error ? inner.message : String(inner);
}

function says(error: unknown, pattern: RegExp): boolean {
  for (let inner = error; inner instanceof Error; inner = inner.cause) {
    const code = 'code' in inner ? String(inner.code) : '';
    if (pattern.test(code) || pattern.test(inner.message)) return true;
  }
  return false;
}
