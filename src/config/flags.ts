import { parseArgs } from 'node:util';

import type { Given } from './environment.ts';
import { absentSettings } from './later.ts';
import { allSettings } from './load.ts';
import { suggestion } from './nearest.ts';
import { SettingError } from './setting-error.ts';
import type { Setting } from './setting.ts';
import { yesOrNo } from './values.ts';

/** A flag of the command line itself, not of a setting. */
export interface CommandFlag {
  readonly flag: string;
  readonly short?: string;
  readonly takes: 'text' | 'yes or no' | 'nothing';
  readonly meaning: string;
}

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
] as const satisfies readonly CommandFlag[];

type CommandFlagName = (typeof commandFlags)[number]['flag'];

export interface CommandLine {
  readonly words: readonly string[];
  /** Flags of the command itself, with their text; of those given twice, the last. */
  readonly flags: ReadonlyMap<CommandFlagName, string>;
  readonly settings: readonly Given[];
}

/** A flag as it stood on the command line. */
interface Token {
  readonly index: number;
  readonly raw: string;
  readonly name: string;
  readonly value: string | undefined;
  readonly isInline: boolean;
}

/** Splits the arguments; throws SettingError for flags that nobody knows, or that lack a value. */
export function readFlags(argv: readonly string[]): CommandLine {
  const tokens = tokenize(argv);
  const words = new Map(
    tokens.flatMap((token) => (token.kind === 'positional' ? [[token.index, token.value]] : [])),
  );
  const flags = new Map<CommandFlagName, string>();
  const texts = new Map<Setting, Given>();
  const absent: Given[] = [];

  /** What may follow a flag that needs no value: only a word that reads as one. */
  const optionalValue = ({ index, value }: Token, bare: string): string => {
    if (value !== undefined) return value;
    const next = words.get(index + 1);
    if (next === undefined || !yesOrNo.safeParse(next).success) return bare;
    words.delete(index + 1);
    return next;
  };

  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const known = commandFlags.find(({ flag }) => flag === token.name);
    if (known !== undefined) {
      flags.set(known.flag, commandFlagText(known, token, optionalValue));
      continue;
    }
    const setting = allSettings.find(({ flag }) => flag === token.name);
    if (setting !== undefined) {
      const { bareFlag, isList, name } = setting;
      const came = bareFlag === undefined ? required(token) : optionalValue(token, bareFlag);
      const before = isList ? texts.get(setting) : undefined;
      const text = before === undefined ? came : `${before.text},${came}`;
      texts.set(setting, { name, text, source: token.raw });
      continue;
    }
    const one = absentSettings.find(({ flag }) => flag === token.name);
    if (one === undefined) throw unknownFlag(token.raw);
    absent.push({ name: one.name, text: required(token), source: token.raw });
  }
  return { words: [...words.values()], flags, settings: [...texts.values(), ...absent] };
}

type Tokenized = ({ readonly kind: 'option' } & Token) | Positional;
interface Positional {
  readonly kind: 'positional';
  readonly index: number;
  readonly value: string;
}

/** node:util's parser, told which flags take the next word; it judges nothing and so hides nothing. */
function tokenize(argv: readonly string[]): readonly Tokenized[] {
  const takesText = [
    ...commandFlags.filter(({ takes }) => takes === 'text').map(({ flag }) => flag),
    ...allSettings.filter(({ bareFlag }) => bareFlag === undefined).map(({ flag }) => flag),
    ...absentSettings.flatMap(({ flag }) => (flag === undefined ? [] : [flag])),
  ];
  const { tokens } = parseArgs({
    args: [...argv],
    strict: false,
    tokens: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      ...Object.fromEntries(takesText.map((flag) => [flag, { type: 'string' as const }])),
    },
  });
  return tokens.flatMap((token): Tokenized[] => {
    if (token.kind === 'option-terminator') return [];
    if (token.kind === 'positional') return [token];
    const { index, rawName: raw, name, value, inlineValue } = token;
    return [{ kind: 'option', index, raw, name, value, isInline: inlineValue === true }];
  });
}

function commandFlagText(
  { takes }: CommandFlag,
  token: Token,
  optionalValue: (token: Token, bare: string) => string,
): string {
  if (takes === 'text') return required(token);
  if (takes === 'nothing') {
    if (token.value === undefined) return 'yes';
    throw new SettingError(`${token.raw} takes no value, ${JSON.stringify(token.value)} came`, 2);
  }
  const text = optionalValue(token, 'yes');
  const result = yesOrNo.safeParse(text);
  if (result.success) return result.data ? 'yes' : 'no';
  throw new SettingError(`${token.raw}: ${JSON.stringify(text)} came, expected yes or no`, 2);
}

/** `--port --bind x` forgot a value; `--log -` and `--log=--odd` have one. */
function required({ raw, value, isInline }: Token): string {
  if (value !== undefined && (isInline || !value.startsWith('--'))) return value;
  throw new SettingError(`${raw} needs a value`, 2);
}

function unknownFlag(raw: string): SettingError {
  const names = [...commandFlags, ...allSettings, ...absentSettings].flatMap(
    ({ flag }) => flag ?? [],
  );
  const meant = suggestion(raw.replace(/^-+/, ''), names, '--');
  return new SettingError(`no flag is called ${JSON.stringify(raw)}${meant}`, 2);
}
