import type { Run } from './action.ts';
import { badParam, type ParamFacts } from './param-schema.ts';

export type Variables = Readonly<Record<string, string>>;

/** Linux takes no longer argument or variable, its end included (MAX_ARG_STRLEN). */
const MAX_ARGUMENT_BYTES = 128 * 1024 - 1;

export const fitsAnArgument = (value: string): boolean =>
  Buffer.byteLength(value) <= MAX_ARGUMENT_BYTES;

export const envFacts: ParamFacts = {
  expected:
    'NAME=value pairs separated by ";" (a value may hold "=" but no ";"), 128 KiB each at most',
  isSecret: true,
};

/** `a=1;b=c`; a name is split off at the first `=`, blanks before it and empty pieces are dropped. */
export function parseEnvironment(env: string): Variables {
  const pairs = env.split(';').flatMap((piece) => {
    if (piece.trim() === '') return [];
    const [, name, value] = /^\s*([A-Za-z_]\w*)=(.*)$/s.exec(piece) ?? [];
    if (name === undefined || value === undefined || !fitsAnArgument(piece)) {
      throw badParam('shell', 'env', env, envFacts);
    }
    return [[name, value] as const];
  });
  return Object.fromEntries(pairs);
}

/** What tells a command of its firing. */
export const environmentOf = (run: Run): Variables => ({
  FORSUN_TIMESTAMP: String(run.fireTime),
  FORSUN_KEY: run.key,
  FORSUN_FIRE_ID: run.fireId,
  FORSUN_ATTEMPT: String(run.attempt),
});

/** Shorter values are parts of other words. */
const MIN_HIDDEN_LENGTH = 4;

/** What a command has printed, with the values of its variables taken back: any may be a secret. */
export function withoutValues(variables: Variables, text: string): string {
  const longestFirst = Object.entries(variables)
    .filter(([, value]) => value.length >= MIN_HIDDEN_LENGTH)
    .sort(([, a], [, b]) => b.length - a.length);
  return longestFirst.reduce(
    (left, [name, value]) => left.replaceAll(value, () => `$${name}`),
    text,
  );
}
