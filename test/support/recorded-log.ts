import type { Log, LogFields } from '../../src/core/log.ts';

/** Keeps what was logged, so that a test can see that nothing went silently. */
export class RecordedLog implements Log {
  readonly lines: { readonly level: string; readonly event: string; readonly fields: LogFields }[] =
    [];

  debug(event: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'debug', event, fields });
  }

  info(event: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'info', event, fields });
  }

  warn(event: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'warn', event, fields });
  }

  error(event: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'error', event, fields });
  }

  events(): readonly string[] {
    return this.lines.map(({ event }) => event);
  }
}
