import type { Calendar } from './calendar.ts';
import { gregorianCycleYears, secondsPerDay } from './civil-date.ts';
import { countLocal, lastLocal, type LocalRule, nextLocal } from './local-times.ts';
import { addSeconds, type UnixSeconds, unixSeconds } from './time.ts';
import { localOf, maxOffset, timeOf, type Zone } from './zone.ts';

const searchSeconds = (gregorianCycleYears + 1) * 366 * secondsPerDay;

/**
 * The instants at which the zone's clock shows a matching time: again in a repeated hour, not at all in a
 * skipped one. So what runs every few minutes keeps its pace when the clock is put forward or back.
 */
export function shownTimes(rule: LocalRule, zone: Zone): Calendar {
  return {
    next(after) {
      let from = addSeconds(after, 1);
      while (from - after < searchSeconds) {
        const span = zone.spanAt(from);
        const local = nextLocal(rule, localOf(span, from));
        if (local === undefined) return undefined;
        const time = timeOf(span, local);
        if (time < span.end) return time;
        // A clock that is put back may show again what it showed before `from`, within two offsets; but
        // nothing between what it shows at `from` and `local` matches.
        const isNear = span.end - from <= 2 * maxOffset;
        from = isNear ? span.end : later(span.end, addSeconds(time, span.offset - maxOffset));
      }
      return undefined;
    },

    last(from, upTo) {
      let until = upTo;
      while (until >= from) {
        const span = zone.spanAt(until);
        const local = lastLocal(rule, localOf(span, until));
        if (local === undefined) return undefined;
        const time = timeOf(span, local);
        if (time >= span.start) return time >= from ? time : undefined;
        const isNear = until - span.start <= 2 * maxOffset;
        const before = addSeconds(span.start, -1);
        until = isNear ? before : earlier(before, addSeconds(time, span.offset + maxOffset));
      }
      return undefined;
    },

    count(from, before) {
      let counted = 0;
      for (let start = from; start < before;) {
        const span = zone.spanAt(start);
        const end = earlier(span.end, before);
        counted += countLocal(rule, localOf(span, start), localOf(span, end));
        start = end;
      }
      return counted;
    },
  };
}

const earlier = (a: UnixSeconds, b: UnixSeconds): UnixSeconds => unixSeconds(Math.min(a, b));
const later = (a: UnixSeconds, b: UnixSeconds): UnixSeconds => unixSeconds(Math.max(a, b));
