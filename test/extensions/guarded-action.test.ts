import { describe, expect, test } from 'vitest';

import type { Action, PreparedAction, Run } from '../../src/actions/action.ts';
import { badArgument } from '../../src/core/errors.ts';
import type { Guests } from '../../src/extensions/guests.ts';
import { guardedAction } from '../../src/extensions/guarded-action.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { T0 } from '../support/plans.ts';
import { RecordedLog } from '../support/recorded-log.ts';

const run: Run = {
  ...{ key: 'a', fireTime: T0, attempt: 1, fireId: 'a:1:0' },
  signal: new AbortController().signal,
};

/** The action `x` of the extension `ext`, with these members. */
function setUp(
  members: Partial<Record<keyof Action, unknown>>,
  guests: Guests = { work: (_extension, work) => work() },
) {
  const clock = new FakeClock();
  const log = new RecordedLog();
  const action = {
    ...{ name: 'x', maxRunsPerOrigin: 3, timeoutSeconds: 7, retriesDeadline: true },
    ...{ prepare: () => ({ run: () => Promise.resolve({ kind: 'done' }) }) },
    ...members,
  } as Action;
  const guarded = guardedAction('ext', action, { clock, log, guests, timeoutSeconds: 10 });
  return { guarded, clock, log };
}

/** What JavaScript lets one throw. */
const throwing = (value: unknown) => (): never => {
  throw value as Error;
};

const prepared = (answer: unknown): PreparedAction =>
  setUp({ prepare: () => answer }).guarded.prepare(new Map());

/** What comes of a run that answers so. */
const outcomeOf = (answer: () => unknown) => prepared({ run: answer }).run(run);

describe('an action of an extension', () => {
  test('is what it says it is, and given what it is asked', async () => {
    const runs: Run[] = [];
    const { guarded } = setUp({
      prepare: (params: Map<string, string>) => ({
        origin: `x:${params.get('host') ?? ''}`,
        maxRuns: 2,
        run: async (given: Run) => {
          runs.push(given);
          return { kind: 'retry', reason: 'later', afterSeconds: 3 };
        },
      }),
    });
    expect(guarded).toMatchObject({ name: 'x', maxRunsPerOrigin: 3, timeoutSeconds: 7 });
    const ready = guarded.prepare(new Map([['host', 'h']]));
    expect(ready).toMatchObject({ origin: 'x:h', maxRuns: 2 });
    expect(await ready.run(run)).toEqual({ kind: 'retry', reason: 'later', afterSeconds: 3 });
    expect(runs).toEqual([{ ...run, signal: expect.any(AbortSignal) as AbortSignal }]);
  });

  test('is told of the deadline under its own name', async () => {
    const workers: string[] = [];
    const guests = {
      work: <T>(extension: string, work: () => T): T => {
        workers.push(extension);
        return work();
      },
    };
    const ends = new AbortController();
    const seen: unknown[] = [];
    const { guarded } = setUp(
      {
        prepare: () => ({
          run: ({ signal }: Run) =>
            new Promise((resolve) => {
              signal.addEventListener('abort', () => {
                seen.push(workers.splice(0), signal.reason);
                resolve({ kind: 'done' });
              });
            }),
        }),
      },
      guests,
    );
    const ended = guarded.prepare(new Map()).run({ ...run, signal: ends.signal });
    workers.splice(0);
    ends.abort('late');
    expect(await ended).toEqual({ kind: 'done' });
    expect(seen).toEqual([['ext'], 'late']);
    const gone = guarded.prepare(new Map()).run({ ...run, signal: AbortSignal.abort('gone') });
    await expect(Promise.race([gone, Promise.resolve('still runs')])).resolves.toBe('still runs');
  });

  test('cannot change the params that the plan keeps', () => {
    const { guarded } = setUp({
      prepare: (params: Map<string, string>) => {
        params.clear();
        return { run: () => undefined };
      },
    });
    const params = new Map([['host', 'h']]);
    guarded.prepare(params);
    expect(params).toEqual(new Map([['host', 'h']]));
  });

  test('waits a year for its next attempt at most', async () => {
    const after = async (afterSeconds: number) =>
      outcomeOf(() => ({ kind: 'retry', reason: 'later', afterSeconds }));
    expect(await after(86_400)).toMatchObject({ afterSeconds: 86_400 });
    expect(await after(1e300)).toMatchObject({ afterSeconds: 366 * 86_400 });
  });

  test('is believed by what its answers say when they are first asked', async () => {
    const once = (value: unknown): (() => unknown) => {
      let asked = 0;
      return () => (asked++ === 0 ? value : throwing(new Error('asked again'))());
    };
    const getters = (values: Readonly<Record<string, unknown>>): object =>
      Object.defineProperties(
        {},
        Object.fromEntries(
          Object.entries(values).map(([name, value]) => [name, { get: once(value) }]),
        ),
      );
    const outcome = getters({ kind: 'failed', reason: 'no' });
    const answer = prepared(getters({ origin: 'h', maxRuns: 2, run: () => outcome }));
    expect(answer).toMatchObject({ origin: 'x:h', maxRuns: 2 });
    expect(await answer.run(run)).toEqual({ kind: 'failed', reason: 'no' });
  });

  test('refuses as it likes', () => {
    const { guarded, log } = setUp({
      prepare: () => {
        throw badArgument('no such host');
      },
    });
    expect(() => guarded.prepare(new Map())).toThrow(
      expect.objectContaining({ code: 'bad_argument', message: 'no such host' }),
    );
    expect(log.lines).toEqual([]);
  });

  test('has targets of its own, whomever it names', () => {
    const originOf = (origin: string) => prepared({ run: () => undefined, origin }).origin;
    expect(originOf('http:127.0.0.1:80')).toBe('x:http:127.0.0.1:80');
    expect(originOf('x:h')).toBe('x:h');
  });

  test.each([
    ['throws', throwing(new Error('oh')), 'oh'],
    ['throws undefined', throwing(undefined), 'it threw undefined'],
    ['answers nothing', () => undefined, 'prepare answered nothing that can run'],
    ['answers no run', () => ({}), 'prepare answered nothing that can run'],
    ['names no origin', () => ({ run() {}, origin: 7 }), 'its origin is no text'],
    ['names too long an origin', () => ({ run() {}, origin: 'x'.repeat(513) }), 'its origin is no'],
    [
      'limits to no runs',
      () => ({ run() {}, maxRuns: 0 }),
      'its maxRuns is no whole number above 0',
    ],
  ])(
    'that %s when it prepares refuses the plan, by name; the log has more',
    (_, prepare, reason) => {
      const { guarded, log } = setUp({ prepare });
      expect(() => guarded.prepare(new Map())).toThrow(
        expect.objectContaining({
          code: 'unknown',
          message: 'the extension "ext" broke when its action x looked at these params',
        }),
      );
      const fields = { extension: 'ext', step: 'prepare', action: 'x' };
      expect(log.lines).toMatchObject([{ level: 'error', event: 'extension_broke', fields }]);
      expect(log.lines[0]!.fields['reason']).toContain(
        reason === 'its origin is no text' ? '' : reason,
      );
    },
  );

  test.each([
    ['nothing', undefined],
    ['a text', 'done'],
    ['an unknown kind', { kind: 'ok' }],
    ['a failure without a reason', { kind: 'failed' }],
    ['a reason that is no text', { kind: 'failed', reason: 7 }],
    ['a time that is none', { kind: 'retry', reason: 'x', afterSeconds: NaN }],
  ])('that answers %s has failed, by name', async (_, answer) => {
    expect(await outcomeOf(() => answer)).toEqual({
      kind: 'failed',
      reason: 'the extension ext broke: its answer is no outcome',
    });
  });

  test.each([
    ['throws', throwing(new RangeError('no')), 'RangeError: no'],
    ['throws null', throwing(null), 'it threw null'],
    ['rejects', () => Promise.reject(new Error('no')), 'no'],
    ['rejects with undefined', () => Promise.reject(undefined), 'it threw undefined'],
  ])('that %s has failed, by name', async (_, answer, reason) => {
    expect(await outcomeOf(answer)).toEqual({
      kind: 'failed',
      reason: `the extension ext broke: ${reason}`,
    });
  });

  test('that throws shows no param of the plan and no credentials', async () => {
    const error = new Error(
      'no login at\npg://me:hun@ter2@db1/ with s3cret s3cret!\n… of db1, t0ken, w0rd',
    );
    const params = new Map([
      ...[['host', 'db1'] as const, ['password', 's3cret'] as const],
      ...[['other', 's3cret!\n'] as const, ['ssl', 'no'] as const],
      ...[['auth', 'Bearer t0ken'] as const, ['options', 'a=1;b=w0rd'] as const],
    ]);
    const told = 'no login at pg://…@db1/ with … …… of db1, …, …';

    const runs = setUp({ prepare: () => ({ run: throwing(error) }) }).guarded;
    expect(await runs.prepare(params).run(run)).toMatchObject({
      reason: `the extension ext broke: ${told}`,
    });
    const { guarded, log } = setUp({ prepare: throwing(error) });
    expect(() => guarded.prepare(params)).toThrow('looked at these params');
    expect(log.lines[0]!.fields['reason']).toBe(told);
  });

  test.each([
    ['throws', throwing(null), 'it threw null'],
    ['hangs', () => new Promise(() => undefined), 'it was not done within 3 s'],
  ])('that %s when it closes keeps nobody from closing', async (_, close, reason) => {
    const { guarded, clock, log } = setUp({ close });
    const closed = guarded.close?.();
    await clock.advance(10);
    await closed;
    expect(log.lines.at(-1)).toMatchObject({
      event: 'extension_broke',
      fields: { extension: 'ext', step: 'close' },
    });
    expect(log.lines.at(-1)!.fields['reason']).toBe(reason);
  });
});
