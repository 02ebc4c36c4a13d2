/**
 * Keeps the process from ending by itself. A server does so by listening; while it does not, what it waits
 * for may be no more than a timer of the clock, and those keep nothing alive.
 */
export function stayAlive(): void {
  setInterval(() => undefined, 2 ** 31 - 1);
}
