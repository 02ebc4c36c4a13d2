/** Ctrl-C, or SIGTERM, ended the work before its time. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/**
 * Does the work under a signal that Ctrl-C aborts: then, whatever the work fails with, rejects as Interrupted.
 * A second Ctrl-C ends the process, as it does elsewhere.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interrupt = new AbortController();
  const abort = (): void => interrupt.abort();
  process.once('SIGINT', abort).once('SIGTERM', abort);
  try {
    return await work(interrupt.signal);
  } catch (error) {
    throw interrupt.signal.aborted ? new Interrupted('interrupted') : error;
  } finally {
    process.off('SIGINT', abort).off('SIGTERM', abort);
  }
}
