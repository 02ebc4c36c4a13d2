import type { Section } from './setting.ts';
import { SettingError } from './setting-error.ts';

/** One `key = value` of forsun.conf. */
export interface ConfEntry {
  readonly section: Section;
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
  let section: Section = 'global';
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
    const before = entries.get(`${section}.${key}`);
    if (before !== undefined) {
      throw new SettingError(
        `${place}: "${key}" is set a second time, first in line ${before.line}`,
      );
    }
    entries.set(`${section}.${key}`, { section, key, value, line: index + 1 });
  }
  return [...entries.values()];
}

function sectionOf(content: string, place: string): Section {
  const name = content.replace(/^\[\s*|\s*\]$/g, '').toLowerCase();
  const section = content.endsWith(']') ? sections.find((known) => known === name) : undefined;
  if (section !== undefined) return section;
  throw new SettingError(
    `${place}: no section is called ${JSON.stringify(content)}; there are [store], [action] and [extension]`,
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
