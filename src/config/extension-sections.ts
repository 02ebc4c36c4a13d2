import type { ConfEntry } from './conf-file.ts';
import type { Environment } from './environment.ts';
import { suggestion } from './nearest.ts';
import { SettingError } from './setting-error.ts';

/** The settings of each extension, as text, by its name; keys are in lower case. */
export type ExtensionSections = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** An extension's own setting, as a variable: two underscores end the name. */
const variable = /^FORSUN_EXTENSION_([A-Z0-9_]+?)__([A-Z0-9_]+)$/;

export const isOfExtension = (variableName: string): boolean => variable.test(variableName);

/** In a variable's name every character that is no letter or digit is an underscore. */
const upperCase = (name: string): string => name.toUpperCase().replace(/[^A-Z0-9]/g, '_');

/**
 * What `[extension.NAME]` and, over it, FORSUN_EXTENSION_<NAME>__<KEY> say to the extensions that are loaded;
 * a section of another one is refused by name, a variable of another one is a warning.
 */
export function extensionSections(
  names: readonly string[],
  conf: { readonly file: string; readonly entries: readonly ConfEntry[] },
  environment: Environment,
  warnings: string[],
): ExtensionSections {
  const sections = new Map(names.map((name) => [name, new Map<string, string>()]));
  for (const { extension, key, value, line } of conf.entries) {
    if (extension === undefined || value === '') continue;
    const section = sections.get(extension);
    if (section === undefined) throw notLoaded(extension, `${conf.file}:${line}`, names);
    section.set(key, value);
  }
  for (const [name, text] of Object.entries(environment)) {
    const [, extension, key = ''] = variable.exec(name) ?? [];
    if (extension === undefined || text === undefined || text === '') continue;
    const meant = names.filter((one) => upperCase(one) === extension);
    if (meant.length === 0)
      warnings.push(`ignored, because no extension so called is loaded: ${name}`);
    for (const one of meant) sections.get(one)?.set(key.toLowerCase(), text);
  }
  return sections;
}

function notLoaded(extension: string, place: string, names: readonly string[]): SettingError {
  const hint =
    names.length === 0
      ? '; no extension is loaded'
      : `; loaded are ${names.join(', ')}${suggestion(extension, names)}`;
  return new SettingError(
    `${place}: a setting for the extension ${JSON.stringify(extension)}, which is not loaded${hint}`,
  );
}
