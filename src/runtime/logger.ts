import { Writable } from 'node:stream';

import winston from 'winston';

import type { Log, LogFields } from '../core/log.ts';
import { type LogClock, LogFile, type Rotation } from './log-file.ts';
import { logLine } from './log-line.ts';
import { systemClock } from './system-clock.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LogSettings {
  /** A path, or `-` for standard output. */
  readonly file: string;
  readonly level: LogLevel;
  readonly rotate: Rotation;
  readonly backupCount: number;
}

/** The log of this process: lines of one turn of the loop are written together. */
export interface ProcessLog extends Log {
  /** Opens the file anew, after it was moved away. */
  reopen(): void;
  /** Writes what was logged in this turn without waiting for its end. */
  flush(): void;
  /** Resolves when every line is written. Lines that come later are lost. */
  close(): Promise<void>;
}

interface LineSink {
  write(lines: readonly string[]): void;
  reopen(): void;
  close(): void;
}

/** Throws when the file cannot be opened. */
export function openLog(
  { file, level, rotate, backupCount }: LogSettings,
  clock: LogClock = systemClock,
): ProcessLog {
  const sink = file === '-' ? standardOutput() : new LogFile({ file, rotate, backupCount, clock });
  const turn = new TurnOfLines(sink);
  const transport = new winston.transports.Stream({ stream: turn, eol: '' });
  const logger = winston.createLogger({
    level,
    levels: { error: 0, warn: 1, info: 2, debug: 3 },
    format: winston.format.printf(({ message }) => message as string),
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston's types say less than its classes
    transports: [transport],
  });
  const at =
    (level: LogLevel) =>
    (event: string, fields?: LogFields): void => {
      if (!logger.isLevelEnabled(level)) return;
      logger.log({ level, message: logLine(clock.nowMs(), process.pid, level, event, fields) });
    };
  // process.exit asks nobody; what was logged before it is written all the same.
  const flush = (): void => turn.flush();
  process.on('exit', flush);
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    reopen: () => {
      turn.flush();
      sink.reopen();
    },
    flush,
    close: () =>
      new Promise((resolve) => {
        transport.once('finish', () => {
          turn.flush();
          sink.close();
          process.off('exit', flush);
          resolve();
        });
        logger.end();
      }),
  };
}

/** Gathers the lines of one turn of the loop, so that a burst costs one write. */
class TurnOfLines extends Writable {
  readonly #sink: LineSink;
  #lines: string[] = [];

  constructor(sink: LineSink) {
    super({ decodeStrings: false });
    this.#sink = sink;
  }

  override _write(line: string, _encoding: string, done: () => void): void {
    if (this.#lines.push(line) === 1) setImmediate(() => this.flush());
    done();
  }

  flush(): void {
    if (this.#lines.length === 0) return;
    const lines = this.#lines;
    this.#lines = [];
    this.#sink.write(lines);
  }
}

/** A reader that went away (EPIPE) costs us the log, not the server. */
function standardOutput(): LineSink {
  let isGone = false;
  process.stdout.on('error', () => {
    isGone = true;
  });
  return {
    write: (lines) => {
      if (!isGone) process.stdout.write(`${lines.join('\n')}\n`);
    },
    reopen: () => undefined,
    close: () => undefined,
  };
}
