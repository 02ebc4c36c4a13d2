import type { Token } from '../grammar/tokens.ts';

/**
 * Words that the shell has split already, as tokens of commands; a word `;` stands between commands. A word
 * stays one token whatever it holds. `name=value` without quotes or semicolons is a pair, its value all that
 * follows, so `cmd='echo hi'` means what the shell made of it.
 */
export function tokensOfWords(words: readonly string[]): readonly (readonly Token[])[] {
  const commands: Token[][] = [[]];
  for (const word of words) {
    if (word === ';') commands.push([]);
    else commands.at(-1)?.push(tokenOf(word));
  }
  return commands.filter((command) => command.length > 0);
}

function tokenOf(word: string): Token {
  const pair = /^([^\s"';=]+)=([^"';]*)$/.exec(word);
  const [, name, value] = pair ?? [];
  return name === undefined || value === undefined
    ? { kind: 'word', text: word }
    : { kind: 'pair', name, value, lost: [] };
}
