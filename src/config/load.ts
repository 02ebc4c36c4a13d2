import { homedir } from 'node:os';
import { resolve } from 'node:path';

import { type ConfEntry, parseConf } from './conf-file.ts';
import { type Environment, type Given, readEnvironment } from './environment.ts';
import { extensionSections, isOfExtension } from './extension-sections.ts';
import { nearest, suggestion } from './nearest.ts';
import { obsoleteSettings } from './obsolete.ts';
import { redisStoreOf } from './redis-store.ts';
import { type Asked, refuseConflicts } from './redis-store-conflicts.ts';
import { type Config, type Settings, settings } from './schema.ts';
import { exitCodeOf, SettingError } from './setting-error.ts';
import { confPlace, environmentName, isSetting, type Setting } from './setting.ts';

/** Where settings come from; later ones win: defaults, conf, environment, flags. */
export interface Sources {
  readonly conf?: { readonly file: string; readonly text: string };
  readonly environment?: Environment;
  readonly flags?: readonly Given[];
}

export interface Loaded {
  readonly config: Config;
  /** Each a sentence for the log: nothing that stops us, nothing to be silent about. */
  readonly warnings: readonly string[];
}

/** All settings, in the order of the schema. */
export const allSettings: readonly Setting[] = leavesOf(settings);

/** Merges and judges the sources; throws SettingError on the first setting that cannot be used. */
export function loadConfig({ conf, environment = {}, flags = [] }: Sources): Loaded {
  const warnings: string[] = [];
  const file = conf?.file ?? '';
  const entries = conf === undefined ? [] : parseConf(conf.text, file);
  const fromConf = confGiven(file, entries, warnings);
  const fromEnvironment = environmentGiven(environment, warnings);
  const given = [...fromConf, ...fromEnvironment, ...flags].filter(({ text }) => text !== '');
  for (const one of given) warnOfObsolete(one, warnings);
  const byName = new Map(given.map((one) => [one.name, one]));
  const own = build(settings, (setting) => judge(setting, byName.get(setting.name))) as Settings;
  judgeStore(own, askedOf(byName));
  const { names } = own.extension;
  const sections = extensionSections(names, { file, entries }, environment, warnings);
  return { config: { ...withResolvedPaths(own), extensionSections: sections }, warnings };
}

function confGiven(
  file: string,
  entries: readonly ConfEntry[],
  warnings: string[],
): readonly Given[] {
  const names = new Map(
    [...allSettings, ...obsoleteSettings].map(({ name }) => {
      const { section, key } = confPlace(name);
      return [`${section}.${key}`, name];
    }),
  );
  return entries.flatMap((entry) => {
    if (entry.extension !== undefined) return [];
    const name = names.get(`${entry.section}.${entry.key}`);
    if (name === undefined) throw unknownKey(file, entry, [...names.keys()]);
    const source = `${entry.key} in ${file}:${entry.line}`;
    if (entry.value.includes('%%')) {
      warnings.push(`${source}: "%" stands for itself here, so "%%" is two of them`);
    }
    return { name, text: entry.value, source };
  });
}

function unknownKey(file: string, entry: ConfEntry, places: readonly string[]): SettingError {
  const near = suggestion(
    entry.key,
    places
      .filter((place) => place.startsWith(`${entry.section}.`))
      .map((p) => p.split('.')[1] ?? p),
  );
  const elsewhere = places.find((place) => place.endsWith(`.${entry.key}`))?.split('.')[0];
  const hint =
    elsewhere === undefined
      ? near
      : `; it belongs ${elsewhere === 'global' ? 'before the first section' : `in [${elsewhere}]`}`;
  const section = entry.section === 'global' ? '' : ` in [${entry.section}]`;
  return new SettingError(
    `${file}:${entry.line}: no setting is called "${entry.key}"${section}${hint}`,
  );
}

function environmentGiven(environment: Environment, warnings: string[]): readonly Given[] {
  const names = [...allSettings, ...obsoleteSettings].map(({ name }) => name);
  const { given, unknown: others } = readEnvironment(environment, new Set(names));
  const unknown = others.filter((name) => !isOfExtension(environmentName(name)));
  if (unknown.length > 0) {
    const listed = unknown.map((name) => {
      const meant = nearest(name, names);
      return environmentName(name) + (meant ? ` (did you mean ${environmentName(meant)}?)` : '');
    });
    warnings.push(`ignored, because no setting is called so: ${listed.join(', ')}`);
  }
  return given;
}

function warnOfObsolete({ name, text, source }: Given, warnings: string[]): void {
  const obsolete = obsoleteSettings.find((one) => one.name === name);
  if (obsolete === undefined || obsolete.default === text.toLowerCase()) return;
  warnings.push(`${source} has no effect: ${obsolete.because}`);
}

function judge(setting: Setting, given: Given | undefined): unknown {
  const result = setting.value.safeParse(given?.text ?? setting.default);
  if (result.success) return result.data;
  const source = given?.source ?? `the default of ${setting.name}`;
  const expected = result.error.issues[0]?.message ?? 'another value';
  const came = setting.isSecret ? '' : `${JSON.stringify(given?.text.slice(0, 128))} came, `;
  throw new SettingError(`${source}: ${came}expected ${expected}`, exitCodeOf(source));
}

const askedOf = (given: ReadonlyMap<string, Given>): Asked =>
  new Map(
    allSettings.flatMap(({ name, default: byDefault }) => {
      const one = given.get(name);
      return one === undefined || one.text === byDefault ? [] : [[name, one]];
    }),
  );

/** What one setting says may make no sense beside another. */
function judgeStore({ scheduler, store: { driver, redis } }: Settings, asked: Asked): void {
  if (driver === 'redis') refuseConflicts(redis, asked);
  const mode = asked.get('SERVER_MODE');
  if (driver === 'mem' && scheduler.mode === 'agent' && mode !== undefined) {
    throw new SettingError(
      `${mode.source}: an agent never fires, and nobody else can for the store mem; it goes with --driver redis`,
      exitCodeOf(mode.source),
    );
  }
}

/** Paths are resolved once, so that none depends on the working directory later. */
function withResolvedPaths(config: Settings): Omit<Config, 'extensionSections'> {
  const { access, store, log, action, extension } = config;
  const cwd = resolvePath(action.shell.cwd);
  const { cert, key, ca } = access.tls;
  const tls = { cert: givenPath(cert), key: givenPath(key), ca: givenPath(ca) };
  return {
    ...config,
    access: { ...access, tokenFile: givenPath(access.tokenFile), tls },
    store: {
      ...store,
      directory: resolvePath(store.directory),
      redis: redisStoreOf(store.redis, givenPath),
    },
    action: { ...action, shell: { ...action.shell, cwd } },
    extension: { ...extension, paths: extension.paths.map(resolvePath) },
    log: { ...log, file: log.file === '-' ? '-' : resolvePath(log.file) },
  };
}

/** Empty stays so: there is none. */
const givenPath = (path: string): string => path && resolvePath(path);

const resolvePath = (path: string): string =>
  resolve(/^~(\/|$)/.test(path) ? homedir() + path.slice(1) : path);

function leavesOf(node: object): readonly Setting[] {
  return isSetting(node) ? [node] : Object.values(node).flatMap((child: object) => leavesOf(child));
}

function build(node: object, valueOf: (setting: Setting) => unknown): unknown {
  if (isSetting(node)) return valueOf(node);
  return Object.fromEntries(
    Object.entries(node).map(([name, child]) => [name, build(child as object, valueOf)]),
  );
}
