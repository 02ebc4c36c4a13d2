/** The name that was most likely meant: it goes on, or a few letters are mistyped; undefined when none is near. */
export function nearest(came: string, names: readonly string[]): string | undefined {
  const [longer, ...others] = names.filter((name) => name.startsWith(`${came}-`));
  if (longer !== undefined && others.length === 0) return longer;
  let best: string | undefined;
  let least = Math.min(4, Math.floor(came.length / 3) + 2);
  for (const name of names) {
    const edits = distance(came, name);
    if (edits < least) [best, least] = [name, edits];
  }
  return best;
}

/** ` (did you mean …?)`, or nothing. */
export function suggestion(came: string, names: readonly string[], prefix = ''): string {
  const name = nearest(came, names);
  return name === undefined ? '' : `; did you mean ${prefix}${name}?`;
}

/** Levenshtein's: letters to insert, drop or change. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const changed = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1);
      next.push(Math.min(changed, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
