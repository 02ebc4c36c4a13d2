import { badArgument, quote } from './errors.ts';

/** Where the text is that a param leaves open: a variable of the server, or a file. */
export interface Reference {
  readonly kind: 'env' | 'file';
  readonly name: string;
}

/** How a param says it. */
export const referenceText = ({ kind, name }: Reference): string => `\${${kind}:${name}}`;

/** False for nearly all values, at no cost. */
export const mayRefer = (value: string): boolean =>
  value.includes('${env:') || value.includes('${file:');

/** A reference; or with a $ before it the same as text, to be had without that $; or one that never ends. */
const pattern = /(\$?)\$\{(env|file):([^}]*)(\}?)/g;

/**
 * The value with its references replaced; `before` is all that stands before one. Refuses with bad_argument,
 * naming the param, what begins as a reference and is none.
 */
export const replaceReferences = (
  param: string,
  value: string,
  replacement: (reference: Reference, before: string) => string,
): string =>
  value.replace(
    pattern,
    (
      found: string,
      escape: string,
      kind: Reference['kind'],
      name: string,
      end: string,
      at: number,
    ) => {
      if (escape !== '') return found.slice(1);
      const isName = kind === 'env' ? /^[A-Z_]\w*$/i.test(name) : name.startsWith('/');
      if (isName && end !== '') return replacement({ kind, name }, value.slice(0, at));
      const wanted = kind === 'env' ? '${env:NAME}' : '${file:/an/absolute/path}';
      throw badArgument(
        `the param ${quote(param)} has a \${${kind}: that is no reference; expected ${wanted}, ` +
          `or $\${${kind}: for these characters`,
      );
    },
  );

export function referencesIn(param: string, value: string): readonly Reference[] {
  const references: Reference[] = [];
  replaceReferences(param, value, (reference) => {
    references.push(reference);
    return '';
  });
  return references;
}
