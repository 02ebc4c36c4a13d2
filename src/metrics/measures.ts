import { Buckets } from './buckets.ts';

/** How the runs of one action end, and how long they take. */
export interface ActionMeasures {
  /** Firings that ended so. */
  done: number;
  failed: number;
  /** Attempts that another one follows. */
  retried: number;
  readonly runSeconds: Buckets;
}

/** Actions that are told apart; more are told as one, for a store may name any number. */
const maxActions = 64;
const furtherActions = 'other';

/** What is measured beside the counters, since the process started; all in seconds. */
export class Measures {
  /** From a firing's due second to the start of its first attempt. */
  readonly lateness = new Buckets([
    ...[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    ...[5, 10, 30, 60, 300, 3600],
  ]);
  /** Until a group of changes is on disk. */
  readonly commit = new Buckets([
    ...[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
  ]);
  /** By how much the event loop is late for a timer. */
  readonly loopLag = new Buckets([0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]);
  readonly #byAction = new Map<string, ActionMeasures>();

  ofAction(name: string): ActionMeasures {
    return this.#byAction.get(name) ?? this.#add(name);
  }

  /** Of every action that has run. */
  actions(): ReadonlyMap<string, ActionMeasures> {
    return this.#byAction;
  }

  #add(name: string): ActionMeasures {
    if (this.#byAction.size >= maxActions && name !== furtherActions) {
      return this.ofAction(furtherActions);
    }
    const runSeconds = new Buckets([
      ...[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      ...[5, 10, 30, 60, 300],
    ]);
    const measures = { done: 0, failed: 0, retried: 0, runSeconds };
    this.#byAction.set(name, measures);
    return measures;
  }
}
