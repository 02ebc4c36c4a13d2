import { BoundedCache } from './bounded-cache.ts';
import { badArgument, quote } from './errors.ts';
import { type LocalSeconds, localSeconds } from './local-times.ts';
import { type UnixSeconds, unixSeconds } from './time.ts';

/** A stretch of time, [start, end), in which a zone's clock keeps one offset; its neighbours may too. */
export interface Span {
  readonly start: UnixSeconds;
  readonly end: UnixSeconds;
  /** What the zone's clock is ahead of UTC, in seconds. */
  readonly offset: number;
}

export interface Zone {
  readonly name: string;
  /** The span that holds that second. */
  spanAt(time: UnixSeconds): Span;
}

/** No zone's clock is ever as far from UTC as this. */
export const maxOffset = 86_400;

export const localOf = (span: Span, time: UnixSeconds): LocalSeconds =>
  localSeconds(time + span.offset);

export const timeOf = (span: Span, local: LocalSeconds): UnixSeconds =>
  unixSeconds(local - span.offset);

/** A zone's data: about 10 kB each in ICU, so not all 600 stay. */
const zones = new BoundedCache<string, Zone>(64);
/** Canonical names by given ones: the names Intl knows, in the spelling given. */
const names = new BoundedCache<string, string>(1_024);

/** The zone of that name; refuses one that Intl does not know with bad_argument. */
export function zoneOf(name: string): Zone {
  const cached = zones.get(name);
  if (cached !== undefined) return cached;
  const canonical = canonicalZone(name);
  if (canonical === undefined) {
    throw badArgument(`no time zone ${quote(name)}, expected an IANA name such as Europe/Berlin`);
  }
  const zone = canonical === 'UTC' ? utc : intlZone(canonical);
  zones.set(canonical, zone);
  return zone;
}

/** The name Intl gives that zone, the same for all its aliases; undefined when it knows none. */
export function canonicalZone(name: string): string | undefined {
  const cached = names.get(name);
  if (cached !== undefined) return cached;
  // Newer engines also take offsets such as +01:00; a plan must not depend on the engine.
  if (!/^[a-z][\w+/-]{0,63}$/i.test(name)) return undefined;
  try {
    const canonical = new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions()
      .timeZone;
    names.set(name, canonical);
    return canonical;
  } catch {
    return undefined;
  }
}

const utc: Zone = {
  name: 'UTC',
  spanAt: () => everlasting,
};

const everlasting: Span = {
  start: unixSeconds(-Infinity),
  end: unixSeconds(Infinity),
  offset: 0,
};

/**
 * Intl tells an offset in microseconds, so a zone's changes are searched once for a block of about a year
 * and kept. Probes lie six days apart: no zone went back on a change sooner since 1970.
 */
const blockSeconds = 2 ** 25;
const probeSeconds = 2 ** 19;
const maxBlocks = 64;

function intlZone(name: string): Zone {
  const offsetAt = offsetTeller(name);
  const blocks = new BoundedCache<number, readonly Span[]>(maxBlocks);
  let latest: Span | undefined;

  const blockOf = (index: number): readonly Span[] => {
    const known = blocks.get(index);
    if (known !== undefined) return known;
    const spans = spansBetween(index * blockSeconds, (index + 1) * blockSeconds, offsetAt);
    blocks.set(index, spans);
    return spans;
  };

  return {
    name,
    spanAt(time) {
      if (latest !== undefined && time >= latest.start && time < latest.end) return latest;
      const span = blockOf(Math.floor(time / blockSeconds)).find(({ end }) => time < end);
      if (span === undefined) throw new TypeError(`no second ${time} in the zone ${name}`);
      latest = span;
      return span;
    },
  };
}

type OffsetTeller = (time: number) => number;

/** The spans of [start, end), which is a whole number of probes. */
function spansBetween(start: number, end: number, offsetAt: OffsetTeller): readonly Span[] {
  const spans: Span[] = [];
  let from = start;
  let offset = offsetAt(start);
  const close = (at: number): void => {
    if (at > from) spans.push({ start: unixSeconds(from), end: unixSeconds(at), offset });
    from = at;
  };
  for (let probe = start + probeSeconds; probe <= end; probe += probeSeconds) {
    const offsetThen = offsetAt(probe);
    let same = probe - probeSeconds;
    while (offset !== offsetThen) {
      same = changeBetween(same, probe, offset, offsetAt);
      close(same);
      offset = offsetAt(same);
    }
  }
  close(end);
  return spans;
}

/** A second in (same, other] that first shows another offset than `offset`. */
function changeBetween(
  same: number,
  other: number,
  offset: number,
  offsetAt: OffsetTeller,
): number {
  let [before, at] = [same, other];
  while (at - before > 1) {
    const middle = Math.floor((before + at) / 2);
    if (offsetAt(middle) === offset) before = middle;
    else at = middle;
  }
  return at;
}

function offsetTeller(timeZone: string): OffsetTeller {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (time) => {
    // As in 11/21/2026, 08:30:00. Taking it apart costs less than half of formatToParts.
    const [month = 1, day, year = 0, ...clock] = format
      .format(time * 1000)
      .split(/\D+/)
      .map(Number);
    const [hour, minute, second] = clock;
    return Date.UTC(year, month - 1, day, hour, minute, second) / 1000 - time;
  };
}
