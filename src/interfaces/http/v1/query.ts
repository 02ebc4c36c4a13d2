import { HttpRefusal } from '../refusal.ts';

/** The query of a request target; of a name that comes twice the last value. 400 for what is no UTF-8. */
export function queryOf(target: string): ReadonlyMap<string, string> {
  const query = new Map<string, string>();
  const at = target.indexOf('?');
  if (at < 0) return query;
  for (const part of target.slice(at + 1).split('&')) {
    const [name = '', ...value] = part.split('=');
    if (part !== '') query.set(decoded(name), decoded(value.join('=')));
  }
  return query;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (cause) {
    throw new HttpRefusal(400, 'the query has an escape that is no UTF-8', {}, { cause });
  }
}
