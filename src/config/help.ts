import { commandFlags } from './flags.ts';
import { allSettings } from './load.ts';
import { settings } from './schema.ts';
import type { Setting } from './setting.ts';

const titles: Readonly<Record<string, string>> = {
  thrift: 'Listening',
  trustNetworks: 'Listening',
  plans: 'Limits of plans',
  scheduler: 'Scheduling',
  store: 'Store',
  action: 'Actions',
  log: 'Log',
};

const columns = 100;

interface Row {
  readonly left: string;
  readonly right: string;
}

/** The text of `forsund --help`. */
export function helpText(): string {
  const command = commandFlags.map((known) => ({
    left: `${'short' in known ? `-${known.short}, ` : ''}--${known.flag}${known.takes === 'text' ? ' FILE' : ''}`,
    right: known.meaning,
  }));
  const groups = new Map<string, Row[]>([['The command', command]]);
  for (const [name, group] of Object.entries(settings)) {
    const title = titles[name] ?? name;
    const rows = allSettings.filter((one) => isWithin(group, one)).map(settingRow);
    groups.set(title, [...(groups.get(title) ?? []), ...rows]);
  }
  const width = Math.max(...[...groups.values()].flat().map(({ left }) => left.length)) + 4;
  const blocks = [...groups].map(([title, rows]) =>
    [`${title}:`, ...rows.map((row) => rowText(row, width))].join('\n'),
  );
  return [
    'forsund: a persistent scheduling server',
    'Usage: forsund [flags]                    run the server\n' +
      '       forsund check [--repair] [flags]   read the whole store, tell what is damaged',
    ...blocks,
    'Each setting can also stand in the file of --conf and in the environment, as\n' +
      'FORSUN_<NAME>; flags win over the environment, it over the file. See docs/configuration.md.',
  ].join('\n\n');
}

/** Two columns; the right one is wrapped. */
function rowText({ left, right }: Row, width: number): string {
  const indent = ' '.repeat(width);
  const lines = right.match(new RegExp(`.{1,${columns - width}}(?=\\s|$)`, 'g')) ?? [right];
  return `  ${left}`.padEnd(width) + lines.map((line) => line.trim()).join(`\n${indent}`);
}

const settingRow = ({ flag, default: byDefault, meaning }: Setting): Row => ({
  left: `--${flag}`,
  right: byDefault === '' ? meaning : `${meaning} (default: ${byDefault})`,
});

function isWithin(group: object, setting: Setting): boolean {
  return (
    group === setting ||
    (!('meaning' in group) &&
      Object.values(group).some((child: object) => isWithin(child, setting)))
  );
}
