/** One line of the table: what was measured here, and what it stands beside. */
export interface Figure {
  readonly what: string;
  readonly ours: number;
  readonly reference?: number;
  readonly unit: string;
}

export function printTable(title: string, referenceName: string, figures: readonly Figure[]): void {
  const rows = figures.map(({ what, ours, reference, unit }) => [
    what,
    `${rounded(ours)} ${unit}`,
    reference === undefined ? '' : `${rounded(reference)} ${unit}`,
    reference === undefined ? '' : (ours / reference).toFixed(2),
  ]);
  process.stdout.write(`\n## ${title}\n\n`);
  process.stdout.write(`| what | forsund | ${referenceName} | ratio |\n|---|---|---|---|\n`);
  for (const row of rows) process.stdout.write(`| ${row.join(' | ')} |\n`);
}

const rounded = (value: number): string =>
  Math.abs(value) >= 100
    ? Math.round(value).toLocaleString('en')
    : String(Number(value.toPrecision(3)));
