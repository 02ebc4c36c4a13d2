import { readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { metricsOf } from '../../src/metrics/metrics.ts';
import { readinessOf } from '../../src/metrics/readiness.ts';
import { idleSources } from '../support/idle-metrics.ts';

const page = readFileSync('docs/metrics.md', 'utf8');
const metrics = metricsOf(idleSources());

/** Names of samples: a histogram's have a suffix. */
const sampleNames = metrics.flatMap(({ name, type }) =>
  type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
);
const labelsOf = new Map(metrics.map(({ name, labels }) => [name, labels]));

const namedIn = (text: string): readonly string[] =>
  [...text.matchAll(/\b(?:forsun|process|nodejs)_\w+/g)].map(([name]) => name);

describe('docs/metrics.md', () => {
  test('has every metric with its type and labels, and no other', () => {
    const [, table = ''] = page.split('\n## Every metric\n');
    const rows = [...table.matchAll(/^\| `(\w+)` \| (\w+) \|([^|]*)\| .+ \|$/gm)];
    const told = rows.map(([, name, type, labels = '']) => ({
      name,
      type,
      labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label),
    }));
    const byName = (a: { name?: string | undefined }, b: { name?: string | undefined }): number =>
      String(a.name).localeCompare(String(b.name));
    const there = metrics.map(({ name, type, labels }) => ({ name, type, labels: [...labels] }));
    expect(told.toSorted(byName)).toEqual(there.toSorted(byName));
  });

  test('asks only for what is there', () => {
    const [, alarms = ''] = page.split('\n## What to be alarmed at\n');
    const named = namedIn(alarms.split('\n## ')[0] ?? '');
    expect(named.length).toBeGreaterThan(7);
    for (const name of named) expect([...sampleNames]).toContain(name);
  });

  test('has every check of /readyz, and no other', () => {
    const { checks } = readinessOf(
      { storeTrouble: '', tickAgeSeconds: 0, claimLagSeconds: 0, loopLagSeconds: 0 },
      1,
    );
    const [, table = ''] = page.split('\n| check | is ok while |\n');
    const rows = (table.split('\n\n')[0] ?? '').matchAll(/^\| `(\w+)` \|/gm);
    expect([...rows].map(([, name]) => name)).toEqual(Object.keys(checks));
  });
});

describe('docs/grafana-dashboard.json', () => {
  interface Panel {
    readonly title: string;
    readonly type: string;
    readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
  }
  const text = readFileSync('docs/grafana-dashboard.json', 'utf8');
  const { panels } = JSON.parse(text) as { readonly panels: readonly Panel[] };
  const targets = panels.flatMap(({ targets = [] }) => targets);

  test('uses only metrics that there are', () => {
    const named = targets.flatMap(({ expr }) => namedIn(expr));
    expect(named.length).toBeGreaterThan(30);
    for (const name of named) expect(sampleNames).toContain(name);
  });

  test('shows every metric of forsun’s own but what says the same', () => {
    const shown = new Set(namedIn(text).map((name) => name.replace(/_bucket$/, '')));
    const unshown = metrics.map(({ name }) => name).filter((name) => !shown.has(name));
    expect(unshown.filter((name) => name.startsWith('forsun_'))).toEqual(['forsun_ticks_total']);
  });

  test('groups and names lines by labels that the metric has', () => {
    for (const { expr, legendFormat } of targets) {
      const [name = ''] = namedIn(expr);
      const own = labelsOf.get(name.replace(/_bucket$/, '')) ?? [];
      const grouped = [...expr.matchAll(/ by \(([^)]*)\)/g)].flatMap(([, by = '']) =>
        by.split(', '),
      );
      const legend = [...legendFormat.matchAll(/{{(\w+)}}/g)].map(([, label = '']) => label);
      for (const label of [...grouped, ...legend]) expect([...own, 'le']).toContain(label);
      if (grouped.length > 0) for (const label of legend) expect(grouped).toContain(label);
    }
  });

  test('no two panels share a title', () => {
    const titles = panels.map(({ title }) => title);
    expect(new Set(titles).size).toBe(titles.length);
  });
});
