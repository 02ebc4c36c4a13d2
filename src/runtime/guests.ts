import { AsyncLocalStorage } from 'node:async_hooks';

const atWork = new AsyncLocalStorage<string | undefined>();

/**
 * Code that is not ours and runs in our process. What a guest sets off, timers and promises too, stays
 * under its name; a guest that calls process.exit gets an error instead.
 */
export const guests = {
  work: <T>(name: string, work: () => T): T => atWork.run(name, work),
  /** Whose code is running; undefined: ours. */
  atWork: (): string | undefined => atWork.getStore(),
  /** Runs our own work that a guest has set off. */
  asOurselves: <T>(work: () => T): T => atWork.run(undefined, work),
};

/** From now on only we may end the process. */
export function keepGuestsFromExiting(): void {
  const exit = process.exit.bind(process);
  process.exit = (code) => {
    if (atWork.getStore() === undefined) return exit(code);
    throw new Error(`it called process.exit(${code ?? ''}), and may not end the server`);
  };
}
