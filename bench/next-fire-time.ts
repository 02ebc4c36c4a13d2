import { CronExpressionParser } from 'cron-parser';
import { Cron } from 'croner';

import { calendarOf } from '../src/core/calendar.ts';
import type { CronSchedule } from '../src/core/schedule.ts';
import { type UnixSeconds, unixSeconds } from '../src/core/time.ts';

export interface Row {
  readonly what: string;
  readonly microseconds: number;
}

const start = unixSeconds(Date.UTC(2026, 10, 21, 8, 30) / 1000);
const end = unixSeconds(start + 10 * 365.25 * 86_400);
const zone = 'Europe/Berlin';

const expressions = [
  '* * * * * *',
  '*/5 * * * *',
  '30 16 * * *',
  '0 9 * * 1-5',
  '0 0 1,15 * 5',
  '15 2 29 2 *',
];

/** Fire times, one after another through ten years and again: µs a call, ours beside the packages'. */
export async function run(): Promise<Row[]> {
  return [
    { what: 'next, equal rules at one second', microseconds: equalRules() },
    { what: 'next, distinct rules, compiled', microseconds: distinctRules(1_000, 20) },
    { what: 'next, distinct rules, read first', microseconds: distinctRules(20_000, 1) },
    ...expressions.flatMap(sideBySide),
    { what: 'count and last over 30 days of * * * * * *', microseconds: thirtyDays() },
  ];
}

function sideBySide(expression: string): Row[] {
  const calendar = calendarOf(cron(expression));
  const croner = new Cron(expression, { timezone: zone });
  const parsed = CronExpressionParser.parse(expression, {
    tz: zone,
    currentDate: new Date(start * 1000),
  });
  let ours = start;
  let theirs: Date = new Date(start * 1000);
  return [
    {
      what: `${expression}: ours`,
      microseconds: measure(20_000, () => (ours = within(calendar.next(ours)))),
    },
    {
      what: `${expression}: croner`,
      microseconds: measure(200, () => {
        const next = croner.nextRun(theirs);
        theirs = new Date(within(next === null ? end : unixSeconds(next.getTime() / 1000)) * 1000);
      }),
    },
    { what: `${expression}: cron-parser`, microseconds: measure(100, () => parsed.next()) },
  ];
}

const within = (time = end): UnixSeconds => (time < end ? time : start);

/** As when 100,000 plans share a rule and a due time: the look-up by content is in it. */
function equalRules(): number {
  const schedule = cron('0 9 * * 1-5');
  return measure(100_000, () => calendarOf({ ...schedule }).next(start));
}

function distinctRules(rules: number, callsEach: number): number {
  const schedules = Array.from({ length: rules }, (_, index) =>
    cron(`${index % 60} ${Math.floor(index / 60) % 60} ${Math.floor(index / 3_600) % 24} * * 1-5`),
  );
  if (callsEach > 1) for (const schedule of schedules) calendarOf(schedule);
  let call = 0;
  return measure(rules * callsEach, () => {
    const schedule = schedules[call % rules];
    call++;
    return schedule && calendarOf(schedule).next(unixSeconds(start + call));
  });
}

function thirtyDays(): number {
  const calendar = calendarOf(cron('* * * * * *'));
  const monthLater = unixSeconds(start + 30 * 86_400);
  return measure(1_000, () => [
    calendar.count(start, monthLater),
    calendar.last(start, monthLater),
  ]);
}

const cron = (expression: string): CronSchedule => ({ kind: 'cron', expression, zone });

/** Microseconds a call. */
function measure(calls: number, work: () => unknown): number {
  const begin = process.hrtime.bigint();
  for (let call = 0; call < calls; call++) work();
  return Number(process.hrtime.bigint() - begin) / 1_000 / calls;
}
