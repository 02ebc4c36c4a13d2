import type { ForsunClient } from '../client/forsun-client.ts';
import { isPlain } from '../grammar/quoting.ts';
import { commands } from './commands.ts';

/** Possible endings of the last word, and that word: as readline takes them. */
export type Completion = [endings: string[], word: string];

/** Completes names of commands, keys (those that need no quotes) of plans or failures, and actions. */
export async function complete(line: string, client: ForsunClient): Promise<Completion> {
  const [, typed = ''] = /(?:^|;)\s*([^;]*)$/.exec(line) ?? [];
  const words = typed.split(/\s+/);
  const word = words.at(-1) ?? '';
  try {
    const candidates = await candidatesFor(words, word, client);
    const fitting = candidates.filter((text) => text.startsWith(word) && isPlain(text));
    return [fitting.slice(0, MOST_SHOWN).map((text) => `${text} `), word];
  } catch {
    return [[], word]; // no server, or too many keys: nothing to offer
  }
}

const MOST_SHOWN = 100;
/** Of the newest: a plan that fails again and again has many. */
const FAILURES_SEEN = 1_000;

async function candidatesFor(
  words: readonly string[],
  word: string,
  client: ForsunClient,
): Promise<readonly string[]> {
  const names = commands.map(({ name }) => name);
  const place = words.length;
  if (place === 1) return names;
  if (words[0] === 'help') return place === 2 ? names : [];
  const takesKey = ['get', 'rm', 'ls', 'set'].includes(words[0] ?? '');
  if (takesKey && place === 2) return client.getKeys(word);
  if (words[0] === 'failures' && place === 2) {
    const failures = await client.getFailures(word, FAILURES_SEEN);
    return [...new Set(failures.map(({ key }) => key))];
  }
  if (words[0] === 'set' && place === ACTION_PLACE) {
    return (await client.info()).get('actions')?.split(';') ?? [];
  }
  return [];
}

/** set KEY and six fields stand before it. */
const ACTION_PLACE = 9;
