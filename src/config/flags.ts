import { type Flag, readCommandLine } from './command-line.ts';
import type { Given } from './environment.ts';
import { allSettings } from './load.ts';
import { SettingError } from './setting-error.ts';
import type { Setting } from './setting.ts';
import { yesOrNoOf } from './yes-or-no.ts';

/** Flags of the command line itself, not of a setting. */
export const commandFlags = [
  { flag: 'conf', takes: 'text', meaning: 'read settings from this file' },
  { flag: 'demon', takes: 'yes or no', meaning: 'detach, and return once the server listens' },
  { flag: 'nodemon', takes: 'yes or no', meaning: 'stay in the foreground, as is the default' },
  {
    flag: 'repair',
    takes: 'nothing',
    meaning: 'with check: keep the damaged store aside, save the rest',
  },
  { flag: 'help', short: 'h', takes: 'nothing', meaning: 'show this help' },
  { flag: 'version', takes: 'nothing', meaning: 'show the version' },
] as const satisfies readonly Flag[];

type CommandFlagName = (typeof commandFlags)[number]['flag'];

export interface ForsundArguments {
  readonly words: readonly string[];
  /** Flags of the command itself, with their text; of those given twice, the last. */
  readonly flags: ReadonlyMap<CommandFlagName, string>;
  readonly settings: readonly Given[];
}

/** A setting as a flag of the command line. */
export const settingFlag = ({ flag, bareFlag, meaning, ...setting }: Setting): Flag => ({
  flag,
  takes: bareFlag === undefined ? 'text' : 'yes or no',
  meaning: setting.default === '' ? meaning : `${meaning} (default: ${setting.default})`,
});

/** Reads the arguments of forsund; throws SettingError for flags that nobody knows, or that lack a value. */
export function readFlags(argv: readonly string[]): ForsundArguments {
  const known = [...commandFlags, ...allSettings.map(settingFlag)];
  const { words, flags: came } = readCommandLine(argv, known);
  const flags = commandFlags.flatMap(({ flag, takes }) => {
    const text = came.get(flag)?.at(-1);
    return text === undefined
      ? []
      : [[flag, takes === 'yes or no' ? judged(flag, text) : text] as const];
  });
  const settings = allSettings.flatMap((setting) => {
    const texts = came.get(setting.flag);
    if (texts === undefined) return [];
    const text = setting.isList ? texts.join(',') : texts.at(-1);
    return [{ name: setting.name, text: text ?? '', source: `--${setting.flag}` }];
  });
  return { words, flags: new Map(flags), settings };
}

function judged(flag: string, text: string): 'yes' | 'no' {
  const answer = yesOrNoOf(text);
  if (answer !== undefined) return answer;
  throw new SettingError(`--${flag}: ${JSON.stringify(text)} came, expected yes or no`, 2);
}
