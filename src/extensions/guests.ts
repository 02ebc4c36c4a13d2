/** Knows whose code is at work: src/runtime/guests.ts does so for the process. */
export interface Guests {
  /** Runs that work, and whatever it sets off, under the extension's name. */
  work<T>(extension: string, work: () => T): T;
}
