import { setTimeout as sleep } from 'node:timers/promises';

import type { Action, Outcome, Run } from '../../src/actions/action.ts';
import { type Dial, dialer } from '../../src/actions/dial.ts';
import { Egress } from '../../src/actions/egress.ts';
import { Names } from '../../src/actions/names.ts';
import type { Log, LogFields } from '../../src/core/log.ts';
import { type Clock, unixSeconds } from '../../src/core/time.ts';

/** The machine's own time, for real processes and sockets. */
export const realClock: Clock = {
  now: () => unixSeconds(Date.now() / 1000),
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleepWhile: () => Promise.reject(new TypeError('no action sleeps by the second')),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => {
      clearTimeout(timer);
    };
  },
};

/** What an action needs to reach its targets. */
export const network = (
  clock: Clock = realClock,
  names = new Names(clock),
  egress = new Egress(),
): { readonly dial: Dial; readonly egress: Egress } => ({
  dial: dialer(clock, names, egress),
  egress,
});

export const aRun = (overrides: Partial<Run> = {}): Run => ({
  key: 'order:42',
  fireTime: unixSeconds(1_700_000_000),
  attempt: 1,
  fireId: 'order:42:7:1700000000',
  signal: new AbortController().signal,
  ...overrides,
});

/** Prepares and runs a plan's action once. */
export const fire = (
  action: Action,
  params: Record<string, string>,
  run: Partial<Run> = {},
): Promise<Outcome> => action.prepare(new Map(Object.entries(params))).run(aRun(run));

export class RecordedLog implements Log {
  readonly lines: { readonly event: string; readonly fields: LogFields }[] = [];
  readonly debug = (event: string, fields: LogFields = {}): void => {
    this.lines.push({ event, fields });
  };
  readonly info = this.debug;
  readonly warn = this.debug;
  readonly error = this.debug;
}

/** Waits until it holds; the test's own deadline ends a wait in vain. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(10);
}
