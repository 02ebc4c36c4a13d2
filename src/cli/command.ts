import type { Readable } from 'node:stream';

import type { ForsunClient } from '../client/forsun-client.ts';
import type { Flag } from '../config/command-line.ts';
import type { Clock } from '../core/time.ts';
import type { Token } from '../grammar/tokens.ts';
import type { Ask } from './ask.ts';
import type { Output } from './output.ts';

/** All that a command touches. */
export interface CommandContext {
  readonly client: ForsunClient;
  readonly output: Output;
  /** Standard error: progress, and what is no result. */
  readonly notes: Output;
  /** Standard input, unless the commands come from there. */
  readonly input?: Readable;
  /** Absent when nobody is there to ask. */
  readonly ask?: Ask;
  readonly clock: Clock;
  /** One JSON document for the whole command instead of lines for people. */
  readonly json: boolean;
}

export interface Command {
  readonly name: string;
  /** What stands behind the name. */
  readonly usage: string;
  /** Its own, which stand behind the name; of own-flags.ts. */
  readonly flags?: readonly Flag[];
  readonly summary: string;
  /** Throws UsageError, ForsunError, and what the client throws. */
  run(args: readonly Token[], context: CommandContext): Promise<void>;
}

/** The person typed something that is no command of ours; the message says what was expected. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Thrown by `exit`: the commands behind it do not run. */
export class Exit extends Error {
  override readonly name = 'Exit';
}
