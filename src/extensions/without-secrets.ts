import type { Params } from '../core/plan.ts';

/** Shorter values are words of any sentence. */
const minLength = 4;

/** Between the words of a value, of which one may be the secret: `Bearer …`, `user:…`, `a=…;b=…`. */
const betweenWords = /[\s"',:;=@/?&]+/;

/**
 * Takes what may be secret out of the text of an error whose words nobody chose for a log: the values of the
 * params, the words of them, and credentials within addresses.
 */
export const withoutSecrets =
  (params: Params) =>
  (text: string): string => {
    const values = [...params.values()].flatMap((value) => [value, ...value.split(betweenWords)]);
    const longestFirst = [...new Set(values)]
      .filter((value) => value.length >= minLength)
      .sort((a, b) => b.length - a.length);
    const without = longestFirst.reduce((left, value) => left.replaceAll(value, '…'), text);
    return without.replace(/:\/\/[^\s/]*@/g, '://…@');
  };
