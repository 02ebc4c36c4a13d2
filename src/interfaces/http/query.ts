import { HttpRefusal } from './refusal.ts';

/** Names and values of the query of a request target, as they came; 400 for what is no UTF-8. */
export function queryParts(target: string): readonly (readonly [name: string, value: string])[] {
  const at = target.indexOf('?');
  if (at < 0) return [];
  const parts = target.slice(at + 1).split('&');
  return parts
    .filter((part) => part !== '')
    .map((part) => {
      const [name = '', ...value] = part.split('=');
      return [decoded(name), decoded(value.join('='))];
    });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (cause) {
    throw new HttpRefusal(400, 'the query has an escape that is no UTF-8', {}, { cause });
  }
}
