import type { Buckets, Observed } from './buckets.ts';

/** One line of a metric, or, for a histogram, one set of lines. */
export interface Sample<T> {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: T;
}

interface Described<Type extends string, T> {
  readonly type: Type;
  readonly name: string;
  readonly help: string;
  /** Names of its labels. */
  readonly labels: readonly string[];
  /** What it is now: asked at each scrape, so that nothing is paid in between. */
  readonly read: () => Iterable<Sample<T>>;
}

export type Metric =
  Described<'counter', number> | Described<'gauge', number> | Described<'histogram', Observed>;

export const gauge = (name: string, help: string, value: () => number): Metric => ({
  type: 'gauge',
  name,
  help,
  labels: [],
  read: () => [{ value: value() }],
});

export const counter = (name: string, help: string, value: () => number): Metric => ({
  type: 'counter',
  name,
  help,
  labels: [],
  read: () => [{ value: value() }],
});

export const histogram = (name: string, help: string, buckets: Buckets): Metric => ({
  type: 'histogram',
  name,
  help,
  labels: [],
  read: () => [{ value: buckets.observed() }],
});

/** Numbers that one label tells apart; each has its label's value and how to read it. */
export const labelled = (
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  label: string,
  values: readonly (readonly [labelValue: string, value: () => number])[],
): Metric => ({
  type,
  name,
  help,
  labels: [label],
  read: () => values.map(([of, value]) => ({ labels: { [label]: of }, value: value() })),
});
