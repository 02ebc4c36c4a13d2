import type { Action } from '../actions/action.ts';
import type { Dial } from '../actions/dial.ts';
import type { Log } from '../core/log.ts';
import type { Policy } from '../core/policy.ts';
import type { Clock } from '../core/time.ts';
import type { Counters } from '../metrics/counters.ts';
import type { Store } from '../stores/store.ts';

/**
 * What the module of an extension exports as its default. Each step has a deadline; a step that throws,
 * rejects or is late fails, and with it the extension.
 *
 *   load ──▶ register ──▶ (the store opens) ──▶ start ──▶ (plans fire, clients are served) ──▶ stop
 */
export interface Extension {
  /** The name by which it is loaded. */
  readonly name: string;
  /** Reads its settings and says what it brings. It opens nothing: nobody will close it. */
  register(host: ExtensionHost): void | Promise<void>;
  /** The store is open; nothing fires yet and no client is served. */
  start?(): void | Promise<void>;
  /** Called once it has registered, started or not, after its actions and its store were closed. */
  stop?(): void | Promise<void>;
}

/** What an extension gets to work with. */
export interface ExtensionHost {
  readonly settings: ExtensionSettings;
  /** The server's log; each line also tells the extension's name. */
  readonly log: Log;
  /** The server's time. Its timers do not keep the process up. */
  readonly clock: Clock;
  /** TCP connections whose names are not looked up in Node's thread pool, which the store needs. */
  readonly dial: Dial;
  /** Throws when it is no action, or there is one of its name; forsun's own cannot be replaced. */
  registerAction(action: Action): void;
  /** Has the store opened by `open` when the setting `driver` names it. Throws as registerAction. */
  registerStore(driver: string, open: OpenStore): void;
}

/** The extension's section of forsun.conf, and the variables over it. */
export interface ExtensionSettings {
  /**
   * Its text; undefined when it is not set. A key is lower-case letters, digits and _: throws for another. A
   * setting that was never asked for when `register` has ended is refused as misspelt.
   */
  get(key: string): string | undefined;
}

/** Opens a store; test/contract/store.ts of forsun states what it has to keep. */
export type OpenStore = (options: OpenStoreOptions) => Promise<Store>;

export interface OpenStoreOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly counters: Counters;
  /** How long a plan that has ended stays, for its status; 0: it is gone at once. */
  readonly statusKeepSeconds: number;
  /** How many of the newest failures are kept. */
  readonly failuresKept: number;
  /** Of plans whose params say nothing else. */
  readonly policy: Policy;
  /** From 0 to 1, exclusive: spreads re-claims after a crash. */
  readonly random: () => number;
  /** For a fault after which nothing can be promised: the process ends, and the next start recovers. */
  readonly onFatal: (error: Error) => void;
}
