/** What a page of Prometheus's text format says of one metric. */
export interface ParsedMetric {
  readonly type: string;
  readonly help: string;
  /** By name and labels, as they stand. */
  readonly samples: ReadonlyMap<string, number>;
}

const nameText = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const labelText = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"';
const sampleLine = new RegExp(`^((${nameText})(?:\\{${labelText}(?:,${labelText})*\\})?) (\\S+)$`);
const ownSuffix = /_(?:bucket|sum|count)$/;

/** Reads the text format 0.0.4, strictly: throws at the first line that is not as the format has it. */
export function parsePrometheus(text: string): ReadonlyMap<string, ParsedMetric> {
  const metrics = new Map<string, ParsedMetric & { samples: Map<string, number> }>();
  let help: readonly [name: string, text: string] | undefined;
  let current = '';
  for (const line of text.split('\n')) {
    const [, kind = '', name = '', rest = ''] =
      /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? /^(?!#)()()()/.exec(line) ?? [];
    if (line === '') continue;
    if (kind === 'HELP') {
      help = [name, rest];
    } else if (kind === 'TYPE') {
      if (help?.[0] !== name) throw new Error(`no help of ${name} stands before its type`);
      if (metrics.has(name)) throw new Error(`${name} is there twice`);
      metrics.set(name, { type: rest, help: help[1], samples: new Map() });
      current = name;
    } else {
      const [, sample = '', of = '', value = ''] = sampleLine.exec(line) ?? [];
      const metric = metrics.get(current);
      const base = metric?.type === 'histogram' ? of.replace(ownSuffix, '') : of;
      if (metric === undefined || base !== current) throw new Error(`not of ${current}: ${line}`);
      if (metric.samples.has(sample)) throw new Error(`${sample} is there twice`);
      metric.samples.set(sample, numberOf(value));
    }
  }
  return metrics;
}

/** One number of a page; undefined when it is not there. */
export function sampleOf(text: string, sample: string): number | undefined {
  for (const { samples } of parsePrometheus(text).values()) {
    if (samples.has(sample)) return samples.get(sample);
  }
  return undefined;
}

function numberOf(text: string): number {
  if (text === '+Inf' || text === '-Inf') return Number(`${text}inity`);
  const value = Number(text);
  if (Number.isNaN(value) && text !== 'NaN') throw new Error(`${text} is no number`);
  return value;
}
