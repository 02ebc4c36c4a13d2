import type { Action } from '../actions/action.ts';
import { quote } from '../core/errors.ts';
import type { OpenStore } from './extension.ts';

/** Names of actions and drivers that are taken, and by whom. */
export interface Taken {
  readonly actions: ReadonlyMap<string, string>;
  readonly drivers: ReadonlyMap<string, string>;
}

const actionName = /^[A-Za-z][\w.-]{0,63}$/;
const driverName = /^[a-z][a-z0-9_-]{0,63}$/;

/** What one extension brings, judged as it comes. */
export class Registrations {
  readonly actions = new Map<string, Action>();
  readonly stores = new Map<string, OpenStore>();
  readonly #taken: Taken;
  #isOpen = true;

  constructor(taken: Taken) {
    this.#taken = taken;
  }

  readonly addAction = (action: Action): void => {
    this.#requireOpen();
    requireAction(action);
    requireFree('action', action.name, this.#taken.actions, this.actions);
    this.actions.set(action.name, action);
  };

  readonly addStore = (driver: string, open: OpenStore): void => {
    this.#requireOpen();
    requireName('a store driver', driver, driverName);
    requireFunction(`the store driver ${driver}`, 'open', open);
    requireFree('store driver', driver, this.#taken.drivers, this.stores);
    this.stores.set(driver, open);
  };

  /** What comes later is refused: register has ended, or was given up. */
  close(): void {
    this.#isOpen = false;
  }

  #requireOpen(): void {
    if (!this.#isOpen) throw new Error('actions and stores are registered in register() only');
  }
}

/** Its author may have no compiler to say so. */
function requireAction(action: Partial<Action> | null | undefined): asserts action is Action {
  if (typeof action !== 'object' || action === null) {
    throw new Error(`an action is an object, ${typeof action} came`);
  }
  requireName('an action', action.name, actionName);
  const who = `the action ${action.name}`;
  const { maxRunsPerOrigin = NaN, timeoutSeconds = NaN } = action;
  if (!(Number.isInteger(maxRunsPerOrigin) && maxRunsPerOrigin > 0)) {
    throw new Error(`${who} needs maxRunsPerOrigin, a whole number above 0`);
  }
  if (!(Number.isFinite(timeoutSeconds) && timeoutSeconds > 0)) {
    throw new Error(`${who} needs timeoutSeconds, a number above 0`);
  }
  if (typeof action.retriesDeadline !== 'boolean') {
    throw new Error(`${who} needs retriesDeadline, true or false`);
  }
  requireFunction(who, 'prepare', action.prepare);
  if (action.close !== undefined) requireFunction(who, 'close', action.close);
}

function requireName(what: string, name: unknown, form: RegExp): asserts name is string {
  if (typeof name === 'string' && form.test(name)) return;
  throw new Error(`${what} is named ${quote(String(name))}, expected a name like ${form.source}`);
}

function requireFunction(who: string, name: string, value: unknown): void {
  if (typeof value !== 'function') throw new Error(`${who} needs ${name}, a function`);
}

function requireFree(
  what: string,
  name: string,
  others: ReadonlyMap<string, string>,
  own: ReadonlyMap<string, unknown>,
): void {
  const owner = own.has(name) ? 'this extension, a moment ago' : others.get(name);
  if (owner !== undefined) throw new Error(`the ${what} ${name} is there already, of ${owner}`);
}
