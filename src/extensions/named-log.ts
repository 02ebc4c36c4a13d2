import type { Log, LogFields } from '../core/log.ts';

/** The log, each line of it with the extension's name. */
export function namedLog(extension: string, log: Log): Log {
  const at =
    (level: keyof Log) =>
    (event: string, fields: LogFields = {}): void =>
      log[level](event, { ...fields, extension });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
