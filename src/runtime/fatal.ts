import { guests } from './guests.ts';
import type { ProcessLog } from './logger.ts';

/** How long a last line may take to reach the log. */
const patienceMs = 1000;

/**
 * What nobody caught ends the process with code 1, logged: its state is unknown, and a restart recovers.
 * `tell` is for the person who watches.
 */
export function exitOnBugs(log: ProcessLog, tell: (message: string) => void): void {
  let isEnding = false;
  process.on('uncaughtException', (error: unknown, origin) => {
    const extension = guests.atWork();
    const message = textOf(error);
    log.error('stopped_by_bug', { origin, extension, error: message });
    if (isEnding) return;
    isEnding = true;
    const whose = extension === undefined ? '' : ` of the extension ${extension}`;
    tell(`stopped by a bug${whose}: ${message.split('\n', 1)[0] ?? ''}`);
    guests.asOurselves(() => {
      setTimeout(() => process.exit(1), patienceMs);
      void log.close().finally(() => process.exit(1));
    });
  });
}

/** Anything can be thrown; what has no text must not end us before it is told. */
function textOf(error: unknown): string {
  try {
    return String(error instanceof Error ? (error.stack ?? error.message) : error);
  } catch {
    return 'what was thrown cannot be shown';
  }
}
