import { pathToFileURL } from 'node:url';

import type { Action } from '../actions/action.ts';
import type { Dial } from '../actions/dial.ts';
import { AskedSettings } from './asked-settings.ts';
import type { Extension, ExtensionHost, OpenStore } from './extension.ts';
import { ExtensionError } from './extension-error.ts';
import { guardedAction } from './guarded-action.ts';
import { locate, type Places } from './locate.ts';
import { namedLog } from './named-log.ts';
import { Registrations, type Taken } from './registrations.ts';
import { closing, runStep, type StepDeps } from './step.ts';
import { guardedOpen } from './store-opening.ts';

export interface ExtensionsSettings extends Places {
  readonly names: readonly string[];
  readonly onError: 'stop' | 'skip';
  /** Of each extension, by its name. */
  readonly sections: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

export interface ExtensionsDeps extends StepDeps {
  readonly dial: Dial;
  /** Imports a module and answers its exports. */
  readonly importModule: (url: string) => Promise<object>;
}

/** What forsun brings itself: names that no extension can have. */
export interface OwnNames {
  readonly actions: readonly string[];
  readonly drivers: readonly string[];
}

interface Loaded {
  readonly name: string;
  readonly extension: Extension;
  readonly actions: readonly Action[];
  readonly stores: ReadonlyMap<string, OpenStore>;
}

/** The extensions of this server, from load to stop. */
export class Extensions {
  readonly #settings: ExtensionsSettings;
  readonly #deps: ExtensionsDeps;
  #loaded: readonly Loaded[] = [];

  constructor(settings: ExtensionsSettings, deps: ExtensionsDeps) {
    this.#settings = settings;
    this.#deps = deps;
  }

  /** Loads and registers each, in order. Rejects with the ExtensionError of one that may not be left out. */
  async register(own: OwnNames): Promise<void> {
    for (const name of new Set(this.#settings.names)) {
      const loaded = await this.#orLeftOut(() => this.#admit(name, own));
      if (loaded === undefined) continue;
      this.#loaded = [...this.#loaded, loaded];
      const { actions, stores } = loaded;
      this.#deps.log.info('extension_registered', {
        extension: name,
        actions: actions.map((action) => action.name).join(' '),
        drivers: [...stores.keys()].join(' '),
      });
    }
  }

  /** Starts each, in order; one whose store is open may not be left out. */
  async start(openDriver: string): Promise<void> {
    for (const loaded of this.#loaded) {
      const { name, extension, stores } = loaded;
      const start = () => runStep(name, 'start', () => extension.start?.(), this.#deps);
      if (stores.has(openDriver)) {
        await start();
      } else {
        await this.#orLeftOut(start, async () => {
          this.#loaded = this.#loaded.filter((other) => other !== loaded);
          for (const action of loaded.actions) await action.close?.();
          await this.#stop(loaded);
        });
      }
    }
  }

  /** Stops each, the last one first. What goes wrong is logged: it keeps nobody from stopping. */
  async stop(): Promise<void> {
    for (const loaded of this.#loaded.toReversed()) await this.#stop(loaded);
    this.#loaded = [];
  }

  get names(): readonly string[] {
    return this.#loaded.map(({ name }) => name);
  }

  get actions(): readonly Action[] {
    return this.#loaded.flatMap(({ actions }) => actions);
  }

  /** What opens the stores of extensions, by driver. */
  get drivers(): ReadonlyMap<string, OpenStore> {
    return new Map(this.#loaded.flatMap(({ stores }) => [...stores]));
  }

  async #admit(name: string, own: OwnNames): Promise<Loaded> {
    const extension = await runStep(name, 'load', () => this.#load(name), this.#deps);
    const registrations = new Registrations(this.#taken(own));
    const settings = new AskedSettings(this.#settings.sections.get(name) ?? new Map());
    const host = this.#hostOf(name, settings, registrations);
    try {
      await runStep(name, 'register', () => extension.register(host), this.#deps);
    } finally {
      registrations.close();
    }
    const [misspelt] = settings.unknown;
    if (misspelt !== undefined) {
      throw new ExtensionError(name, 'register', `it knows no setting "${misspelt}"`);
    }
    return {
      name,
      extension,
      actions: [...registrations.actions.values()].map((action) =>
        guardedAction(name, action, this.#deps),
      ),
      stores: new Map(
        [...registrations.stores].map(([driver, open]) => [
          driver,
          guardedOpen(name, driver, open, this.#deps),
        ]),
      ),
    };
  }

  async #load(name: string): Promise<Extension> {
    const file = await locate(name, this.#settings);
    const module = await this.#deps.importModule(pathToFileURL(file).href);
    const extension: unknown = 'default' in module ? module.default : undefined;
    requireExtension(extension, name, file);
    return extension;
  }

  #hostOf(name: string, settings: AskedSettings, registrations: Registrations): ExtensionHost {
    const { clock, dial, log } = this.#deps;
    return Object.freeze({
      settings,
      log: namedLog(name, log),
      clock,
      dial,
      registerAction: registrations.addAction,
      registerStore: registrations.addStore,
    });
  }

  #taken({ actions, drivers }: OwnNames): Taken {
    const ofForsun = (name: string): [string, string] => [name, 'forsun'];
    return {
      actions: new Map([
        ...actions.map(ofForsun),
        ...this.#loaded.flatMap((other) =>
          other.actions.map((action): [string, string] => [action.name, other.name]),
        ),
      ]),
      drivers: new Map([
        ...drivers.map(ofForsun),
        ...this.#loaded.flatMap((other) =>
          [...other.stores.keys()].map((driver): [string, string] => [driver, other.name]),
        ),
      ]),
    };
  }

  /** Runs a part of start-up; when it fails and may, the extension is left out, and undefined the answer. */
  async #orLeftOut<T>(work: () => Promise<T>, undo?: () => Promise<void>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (this.#settings.onError === 'stop' || !(error instanceof ExtensionError)) throw error;
      const { extension, step, reason } = error;
      this.#deps.log.error('extension_left_out', { extension, step, reason });
      await undo?.();
      return undefined;
    }
  }

  async #stop({ name, extension }: Loaded): Promise<void> {
    try {
      await runStep(name, 'stop', () => extension.stop?.(), closing(this.#deps));
    } catch (error) {
      if (!(error instanceof ExtensionError)) throw error;
      this.#deps.log.error('extension_broke', {
        extension: name,
        step: 'stop',
        reason: error.reason,
      });
    }
  }
}

function requireExtension(value: unknown, name: string, file: string): asserts value is Extension {
  if (typeof value !== 'object' || value === null) {
    throw new Error(`${file} has no extension as its default export`);
  }
  const extension = value as Readonly<Record<keyof Extension, unknown>>;
  if (extension.name !== name) {
    throw new Error(`in ${file} it is named ${JSON.stringify(extension.name)}`);
  }
  if (typeof extension.register !== 'function') {
    throw new Error(`in ${file} it has no function register`);
  }
  for (const step of ['start', 'stop'] as const) {
    if (extension[step] !== undefined && typeof extension[step] !== 'function') {
      throw new Error(`in ${file} its ${step} is no function`);
    }
  }
}
