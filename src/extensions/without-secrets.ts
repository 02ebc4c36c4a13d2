import type { Params } from '../core/plan.ts';

/** Shorter values are words of any sentence. */
const minLength = 4;

/**
 * Takes what may be secret out of the text of an error whose words nobody chose for a log: the values of the
 * params, and credentials within addresses.
 */
export const withoutSecrets =
  (params: Params) =>
  (text: string): string => {
    const values = [...params.values()].filter((value) => value.length >= minLength);
    const longestFirst = values.sort((a, b) => b.length - a.length);
    const without = longestFirst.reduce((left, value) => left.replaceAll(value, '…'), text);
    return without.replace(/:\/\/[^\s/]*@/g, '://…@');
  };
