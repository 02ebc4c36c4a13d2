import type { Log, LogFields } from '../core/log.ts';

type Field = LogFields[string];

/** The log, each line of it with the extension's name. It takes whatever it is given, and never throws. */
export function namedLog(extension: string, log: Log): Log {
  const at =
    (level: keyof Log) =>
    (event: unknown, fields?: unknown): void =>
      log[level](textOf(event), { ...shownFields(fields), extension });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function shownFields(fields: unknown): LogFields {
  if (typeof fields !== 'object' || fields === null) return {};
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, shown(value)]));
}

const shown = (value: unknown): Field =>
  value === undefined || typeof value === 'number' || typeof value === 'boolean'
    ? value
    : textOf(value);

function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return 'what cannot be shown';
  }
}
