/** Facts of one event. Never a secret: no params of a plan, no URL with credentials, no body. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** One event, its fields. Rooms are handed a Log; only src/runtime knows where lines go. */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
