/**
 * The law of calendars, told the slow way: a clock on the wall that is read step by step through Intl, and
 * fields compared one by one. Shares no code with src.
 */

/** Sets of values; absent: any. */
export interface NaiveRule {
  readonly second?: ReadonlySet<number>;
  readonly minute?: ReadonlySet<number>;
  readonly hour?: ReadonlySet<number>;
  readonly day?: ReadonlySet<number>;
  readonly month?: ReadonlySet<number>;
  /** 0 is Sunday. */
  readonly weekday?: ReadonlySet<number>;
  /** Day of the month or weekday is enough. */
  readonly isEither?: boolean;
}

const ranges = [
  [0, 59],
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 7],
] as const;

/** Reads numbers, lists, ranges and steps; five fields, or six with seconds first. */
export function naiveCron(expression: string): NaiveRule {
  const fields = expression.split(' ');
  if (fields.length === 5) fields.unshift('0');
  const [second, minute, hour, day, month, weekday] = fields.map((field, index) => {
    const [lowest, highest] = ranges[index]!;
    return valuesOf(field, lowest, highest);
  });
  return {
    ...(second && { second }),
    ...(minute && { minute }),
    ...(hour && { hour }),
    ...(day && { day }),
    ...(month && { month }),
    ...(weekday && { weekday: new Set([...weekday].map((value) => value % 7)) }),
    isEither: day !== undefined && weekday !== undefined,
  };
}

function valuesOf(field: string, lowest: number, highest: number): Set<number> | undefined {
  if (field === '*') return undefined;
  const values = new Set<number>();
  for (const item of field.split(',')) {
    const [range = '', step] = item.split('/');
    const [first = '', last] = range === '*' ? [`${lowest}`, `${highest}`] : range.split('-');
    const end = Number(last ?? (step === undefined ? first : highest));
    for (let value = Number(first); value <= end; value += Number(step ?? 1)) values.add(value);
  }
  return values;
}

/** What the clocks of a zone show, per step of UTC; `local` counts as if it were UTC. */
export interface Reading {
  readonly time: number;
  readonly local: number;
}

/** Reads the clock at every step in [from, before). */
export function readings(timeZone: string, from: number, before: number, step: number): Reading[] {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    dateStyle: 'short',
    timeStyle: 'medium',
  });
  const read = (time: number): Reading => {
    const local = Date.parse(`${format.format(time * 1000).replace(' ', 'T')}Z`) / 1000;
    return { time, local };
  };
  const length = Math.ceil((before - from) / step);
  return Array.from({ length }, (_, index) => read(from + index * step));
}

export function matches(rule: NaiveRule, local: number): boolean {
  const date = new Date(local * 1000);
  const day = rule.day?.has(date.getUTCDate()) ?? true;
  const weekday = rule.weekday?.has(date.getUTCDay()) ?? true;
  return (
    (rule.second?.has(date.getUTCSeconds()) ?? true) &&
    (rule.minute?.has(date.getUTCMinutes()) ?? true) &&
    (rule.hour?.has(date.getUTCHours()) ?? true) &&
    (rule.month?.has(date.getUTCMonth() + 1) ?? true) &&
    (rule.isEither === true ? day || weekday : day && weekday)
  );
}

/**
 * The fire times from `from` on, given readings that begin two days earlier. With any hour: whenever the
 * clock shows a match. Else: when it first shows or passes one.
 */
export function naiveFireTimes(
  rule: NaiveRule,
  clock: readonly Reading[],
  from: number,
  step: number,
): number[] {
  const isAnyHour = rule.hour === undefined || rule.hour.size === 24;
  const times: number[] = [];
  let highest: number | undefined;
  for (const { time, local } of clock) {
    let isDue = isAnyHour && matches(rule, local);
    if (!isAnyHour) {
      for (let passed = (highest ?? local) + step; passed <= local && !isDue; passed += step) {
        isDue = matches(rule, passed);
      }
      highest = Math.max(highest ?? local, local);
    }
    if (isDue && time >= from) times.push(time);
  }
  return times;
}
