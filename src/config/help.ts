import { type Flag, helpPage } from './command-line.ts';
import { commandFlags, settingFlag } from './flags.ts';
import { allSettings } from './load.ts';
import { settings } from './schema.ts';
import type { Setting } from './setting.ts';

const titles: Readonly<Record<string, string>> = {
  thrift: 'Listening',
  access: 'Access',
  http: 'The HTTP bridge',
  plans: 'Limits of plans',
  scheduler: 'Scheduling',
  store: 'Store',
  action: 'Actions',
  extension: 'Extensions',
  log: 'Log',
};

/** The text of `forsund --help`. */
export function helpText(): string {
  const groups = new Map<string, readonly Flag[]>([['The command', commandFlags]]);
  for (const [name, group] of Object.entries(settings)) {
    const title = titles[name] ?? name;
    const flags = allSettings.filter((one) => isWithin(group, one)).map(settingFlag);
    groups.set(title, [...(groups.get(title) ?? []), ...flags]);
  }
  return helpPage({
    usage: `forsund: a persistent scheduling server

Usage: forsund [flags]                    run the server
       forsund check [--repair] [flags]   read the whole store, tell what is damaged
       forsund health [flags]             ask the server of these flags whether it answers
       forsund token NAME ROLE [flags]    add a token to the --token-file, and print it
       forsund import …                   what forsun import does: bring plans to a running server`,
    groups,
    epilogue: `Each setting can also stand in the file of --conf and in the environment, as
FORSUN_<NAME>; flags win over the environment, it over the file. See docs/configuration.md.`,
  });
}

function isWithin(group: object, setting: Setting): boolean {
  return (
    group === setting ||
    (!('meaning' in group) &&
      Object.values(group).some((child: object) => isWithin(child, setting)))
  );
}
