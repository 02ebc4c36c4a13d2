import { createInterface } from 'node:readline/promises';

/** Asks the person at the terminal a question; true for yes, false for all else, and for Ctrl-C and Ctrl-D. */
export type Ask = (question: string) => Promise<boolean>;

export const isYes = (answer: string): boolean => /^\s*y(es)?\s*$/i.test(answer);

export const askTerminal: Ask = async (question) => {
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const left = new Promise<string>((resolve) => reader.once('close', () => resolve('no')));
    return isYes(await Promise.race([reader.question(`${question} [y/N] `), left]));
  } finally {
    reader.close();
  }
};
