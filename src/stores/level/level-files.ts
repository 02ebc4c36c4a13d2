import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** LevelDB names its files by number, in six digits or more. */
export const logFile = (database: string, number: number): string =>
  join(database, `${digits(number)}.log`);

export const tableFile = (database: string, number: number): string =>
  join(database, `${digits(number)}.ldb`);

/** The numbers of all log files there are, rising. */
export async function logNumbers(database: string): Promise<readonly number[]> {
  const names = await readdir(database);
  const numbers = names.flatMap((name) => {
    const number = /^(\d+)\.log$/.exec(name)?.[1];
    return number === undefined ? [] : [Number(number)];
  });
  return numbers.sort((a, b) => a - b);
}

const digits = (number: number): string => String(number).padStart(6, '0');
