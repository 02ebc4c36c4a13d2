import type { Calendar } from './calendar.ts';
import {
  countLocal,
  lastLocal,
  type LocalRule,
  type LocalSeconds,
  localSeconds,
  nextLocal,
} from './local-times.ts';
import { addSeconds, type UnixSeconds, unixSeconds } from './time.ts';
import { localOf, maxOffset, timeOf, type Zone } from './zone.ts';

/**
 * The instants at which the zone's clock first reaches or passes a matching time. So each matching time
 * fires once: a repeated one when it comes first, a skipped one as soon as the clock is beyond it, and all
 * that one change skips together.
 */
export function reachedTimes(rule: LocalRule, zone: Zone): Calendar {
  return {
    next(after) {
      const local = nextLocal(rule, localSeconds(highestReading(zone, after) + 1));
      return local === undefined ? undefined : firstReaching(zone, local);
    },

    last(from, upTo) {
      const local = lastLocal(rule, highestReading(zone, upTo));
      if (local === undefined) return undefined;
      const time = firstReaching(zone, local);
      return time >= from ? time : undefined;
    },

    count(from, before) {
      if (before <= from) return 0;
      let counted = 0;
      let reached = highestReading(zone, addSeconds(from, -1));
      for (let start = from; start < before;) {
        const span = zone.spanAt(start);
        const end = unixSeconds(Math.min(span.end, before));
        // What lies between the highest reading so far and the span's first was skipped: one instant.
        const first = localOf(span, start);
        if (countLocal(rule, localSeconds(reached + 1), localSeconds(first + 1)) > 0) counted++;
        reached = localSeconds(Math.max(reached, first));
        const highest = localSeconds(Math.max(reached, localOf(span, end) - 1));
        counted += countLocal(rule, localSeconds(reached + 1), localSeconds(highest + 1));
        reached = highest;
        start = end;
      }
      return counted;
    },
  };
}

/** The latest time the zone's clock has shown by then: more than it shows now when it was put back. */
function highestReading(zone: Zone, time: UnixSeconds): LocalSeconds {
  let highest = -Infinity;
  let at = addSeconds(time, -2 * maxOffset);
  for (;;) {
    const span = zone.spanAt(at);
    if (span.end > time) return localSeconds(Math.max(highest, localOf(span, time)));
    highest = Math.max(highest, localOf(span, span.end) - 1);
    at = span.end;
  }
}

/** The first second at which the zone's clock shows that time or a later one. */
function firstReaching(zone: Zone, local: LocalSeconds): UnixSeconds {
  let at = unixSeconds(local - maxOffset);
  for (;;) {
    const span = zone.spanAt(at);
    const time = timeOf(span, local);
    if (time < span.end) return unixSeconds(Math.max(at, time));
    at = span.end;
  }
}
