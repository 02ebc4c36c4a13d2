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
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log.error('stopped_by_bug', { origin, error: message });
    if (isEnding) return;
    isEnding = true;
    tell(`stopped by a bug: ${message.split('\n', 1)[0] ?? ''}`);
    setTimeout(() => process.exit(1), patienceMs);
    void log.close().finally(() => process.exit(1));
  });
}
