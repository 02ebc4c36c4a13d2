import type { ValueOf } from './values.ts';

/** The sections of forsun.conf; settings of `global` stand before the first one. */
export type Section = 'global' | 'store' | 'action' | 'extension';

/** One thing that can be set. Its name yields its key in forsun.conf and its environment variable. */
export interface Setting<T = unknown> {
  /** Upper case, forsun's where it has one. */
  readonly name: string;
  readonly flag: string;
  readonly value: ValueOf<T>;
  /** As text, read by the same rules as any other. */
  readonly default: string;
  readonly meaning: string;
  /** May be given several times on the command line; the values add up. */
  readonly isList: boolean;
  /** What the flag means when it is given without a value; absent: then it is refused. */
  readonly bareFlag?: 'yes';
  /** A refusal does not repeat it. */
  readonly isSecret?: true;
}

interface SettingSource<T> {
  readonly value: ValueOf<T>;
  readonly default: string;
  readonly meaning: string;
  readonly flag?: string;
  readonly isList?: boolean;
  readonly bareFlag?: 'yes';
  readonly isSecret?: true;
}

/** The values of settings, grouped as these are. */
export type ConfigOf<T> =
  T extends Setting<infer Value> ? Value : { readonly [Name in keyof T]: ConfigOf<T[Name]> };

export const setting = <T>(name: string, source: SettingSource<T>): Setting<T> => ({
  flag: name.toLowerCase().replaceAll('_', '-'),
  isList: false,
  ...source,
  name,
});

/** A setting, not a group of them. */
export function isSetting(node: object): node is Setting {
  return 'value' in node && 'meaning' in node;
}

/** Where forsun.conf has it: `STORE_MEM_STORE_FILE` is `mem_store_file` in `[store]`. */
export function confPlace(name: string): { readonly section: Section; readonly key: string } {
  if (name === 'EXTENSIONS') return { section: 'extension', key: 'extensions' };
  const match = /^(STORE|ACTION|EXTENSION)_(.+)$/.exec(name);
  const [, section = 'global', key = name] = match ?? [];
  return { section: section.toLowerCase() as Section, key: key.toLowerCase() };
}

export const environmentName = (name: string): string => `FORSUN_${name}`;
