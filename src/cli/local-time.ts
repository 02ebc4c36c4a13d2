import { unixSeconds, type UnixSeconds } from '../core/time.ts';
import { UsageError } from './command.ts';

/** An instant in the person's zone: `2026-11-21 01:21:30+00:00`. */
export function formatLocalTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return `@${seconds}`; // beyond the calendar
  const offset = -date.getTimezoneOffset();
  const sign = offset < 0 ? '-' : '+';
  const zone = `${sign}${pad(Math.trunc(Math.abs(offset) / 60))}:${pad(Math.abs(offset) % 60)}`;
  return `${dayOf(date)} ${timeOf(date)}${zone}`;
}

/**
 * Seconds since the epoch, or `YYYY-MM-DD HH:MM:SS` in the person's zone unless an offset or Z stands behind
 * it, as formatLocalTime writes it. Refuses what no clock shows, such as 30 February or an hour that the
 * zone skips.
 */
export function parseTime(text: string): UnixSeconds {
  if (/^\d+$/.test(text)) return unixSeconds(Number(text));
  const match = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d) ?(Z|[+-]\d\d:\d\d)?$/.exec(text);
  if (match === null) throw unreadable(text);
  const [, day = '', time = '', zone] = match;
  const date = new Date(`${day}T${time}${zone ?? ''}`);
  // An instant that shows something else was never meant: Date moves 30 February to March.
  const shown = zone === undefined ? `${dayOf(date)} ${timeOf(date)}` : utcText(`${day}T${time}Z`);
  if (shown !== `${day} ${time}`) throw unreadable(text);
  return unixSeconds(date.getTime() / 1000);
}

const unreadable = (text: string): UsageError =>
  new UsageError(`a time is seconds since 1970 or an existing YYYY-MM-DD HH:MM:SS, not "${text}"`);

const pad = (value: number, width = 2): string => String(value).padStart(width, '0');

function utcText(iso: string): string | undefined {
  const date = new Date(iso);
  return Number.isNaN(date.getTime())
    ? undefined
    : date.toISOString().slice(0, 19).replace('T', ' ');
}

const dayOf = (date: Date): string =>
  `${pad(date.getFullYear(), 4)}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;

const timeOf = (date: Date): string =>
  `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
