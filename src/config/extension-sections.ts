import type { ConfEntry } from './conf-file.ts';
import type { Environment } from './environment.ts';
import { suggestion } from './nearest.ts';
import { SettingError } from './setting-error.ts';

/** The settings of each extension, as text, by its name; keys are in lower case. */
export type ExtensionSections = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** An extension's own setting, as a variable: two underscores end the name. */
export const isOfExtension = (variable: string): boolean =>
  /^FORSUN_EXTENSION_[A-Z0-9_]+__[A-Z0-9_]+$/.test(variable);

/** What its variables begin with; every character of its name that is no letter or digit is an underscore. */
const prefixOf = (extension: string): string =>
  `FORSUN_EXTENSION_${extension.toUpperCase().replace(/[^A-Z0-9]/g, '_')}__`;

/**
 * What `[extension.NAME]` and, over it, FORSUN_EXTENSION_<NAME>__<KEY> say to the extensions that are loaded;
 * refused by name are a section of another one, and a variable that could be of two; one of none is a warning.
 */
export function extensionSections(
  names: readonly string[],
  conf: { readonly file: string; readonly entries: readonly ConfEntry[] },
  environment: Environment,
  warnings: string[],
): ExtensionSections {
  const loaded = [...new Set(names)];
  const sections = new Map(loaded.map((name) => [name, new Map<string, string>()]));
  for (const { extension, key, value, line } of conf.entries) {
    if (extension === undefined || value === '') continue;
    const section = sections.get(extension);
    if (section === undefined) throw notLoaded(extension, `${conf.file}:${line}`, loaded);
    section.set(key, value);
  }
  for (const [name, text] of Object.entries(environment)) {
    if (!isOfExtension(name) || text === undefined || text === '') continue;
    const [meant, ...others] = loaded.filter((one) => name.startsWith(prefixOf(one)));
    if (meant === undefined) {
      warnings.push(`ignored, because no extension so called is loaded: ${name}`);
    } else if (others.length > 0) {
      throw new SettingError(
        `${name} could be meant for the extensions ${[meant, ...others].join(' and ')}; ${sectionHint(meant)}`,
      );
    } else {
      sections.get(meant)?.set(name.slice(prefixOf(meant).length).toLowerCase(), text);
    }
  }
  return sections;
}

const sectionHint = (extension: string): string =>
  `in forsun.conf a section as [extension.${extension}] tells whose a setting is`;

function notLoaded(extension: string, place: string, names: readonly string[]): SettingError {
  const hint =
    names.length === 0
      ? '; no extension is loaded'
      : `; loaded are ${names.join(', ')}${suggestion(extension, names)}`;
  return new SettingError(
    `${place}: a setting for the extension ${JSON.stringify(extension)}, which is not loaded${hint}`,
  );
}
