import type { Section } from './setting.ts';
import { SettingError } from './setting-error.ts';

/** One `key = value` of forsun.conf. */
export interface ConfEntry {
  readonly section: Section;
  /** Of `[extension.NAME]`: the name, as it is written. */
  readonly extension?: string;
  readonly key: string;
  readonly value: string;
  readonly line: number;
}

const sections: readonly Section[] = ['store', 'action', 'extension'];

/**
 * Reads forsun.conf. Options before the first section are global; keys are in any case and set with `=`
 * or `:`; a line whose first character is `#` or `;` is a comment. Within a value every character stands
 * for itself, `#`, `;`, `%` and quotes too, which is why no INI package reads it.
 */
export function parseConf(text: string, file: string): readonly ConfEntry[] {
  const entries = new Map<string, ConfEntry>();
  let section: Place = { section: 'global' };
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  for (const [index, raw] of lines.entries()) {
    const content = raw.trim();
    const place = `${file}:${index + 1}`;
    if (content === '' || content.startsWith('#') || content.startsWith(';')) continue;
    if (content.startsWith('[')) {
      section = sectionOf(content, place);
      continue;
    }
    const { key, value } = optionOf(content, place);
    const before = entries.get(placeOf(section, key));
    if (before !== undefined) {
      throw new SettingError(
        `${place}: "${key}" is set a second time, first in line ${before.line}`,
      );
    }
    entries.set(placeOf(section, key), { ...section, key, value, line: index + 1 });
  }
  return [...entries.values()];
}

type Place = Pick<ConfEntry, 'section' | 'extension'>;

const placeOf = ({ section, extension = '' }: Place, key: string): string =>
  JSON.stringify([section, extension, key]);

function sectionOf(content: string, place: string): Place {
  const name = content.endsWith(']') ? content.slice(1, -1).trim() : '';
  const [, extension] = /^extension\.(.+)$/i.exec(name) ?? [];
  if (extension !== undefined) return { section: 'extension', extension };
  const section = sections.find((known) => known === name.toLowerCase());
  if (section !== undefined) return { section };
  throw new SettingError(
    `${place}: no section is called ${JSON.stringify(content)}; there are [store], [action], [extension] and [extension.NAME]`,
  );
}

function optionOf(content: string, place: string): { key: string; value: string } {
  const match = /^([^=:]+?)\s*[=:]\s*(.*)$/.exec(content);
  const [, key, value] = match ?? [];
  if (key === undefined || value === undefined) {
    throw new SettingError(`${place}: expected "key = value", came ${JSON.stringify(content)}`);
  }
  return { key: key.toLowerCase(), value };
}
