import type { Buckets } from '../../metrics/buckets.ts';
import type { Clock } from '../../core/time.ts';
import type { Obstacle, Written } from './change.ts';
import type { PartitionScripts } from './partition-scripts.ts';
import type { Write } from './redis-view.ts';
import type { ScriptArgument } from './script-runner.ts';

/** More would hold Redis up for longer than 5 ms where keys come at random among a million. */
export const maxWrites = 64;
const maxWriteBytes = 256 * 1024;

export interface PartitionWriterOptions {
  readonly scripts: PartitionScripts;
  readonly clock: Clock;
  readonly failuresKept: number;
  /** Told how long each write took, in seconds. */
  readonly commitTimes?: Buckets;
  readonly onLeaseLost: (session: string) => void;
}

/**
 * Sends the writes of a partition, numbered, so that one that is sent again is made once, and one that was
 * given up is not made behind a later one.
 */
export class PartitionWriter {
  readonly #options: PartitionWriterOptions;
  #number = 0;
  /** Of a write that was given up, and may yet reach Redis: its session. */
  #astray: string | undefined;

  constructor(options: PartitionWriterOptions) {
    this.#options = options;
  }

  /** What became of the newest write is not known. */
  get isAstray(): boolean {
    return this.#astray !== undefined;
  }

  /** From here on, no write that was given up is made any more. */
  async overtakeAstray(isWanted: () => boolean): Promise<void> {
    if (this.#astray !== undefined) await this.#send(this.#astray, [], isWanted);
  }

  /** Writes all that is still as it was read; rejects when what became of it is not known. */
  async write(
    writes: readonly Write[],
    session: string,
    isWanted: () => boolean,
  ): Promise<Written> {
    const unwritten = new Map<string, Obstacle>();
    let hasMoved = false;
    for (const piece of inPieces(writes)) {
      for (let left = piece; left.length > 0;) {
        const answered = await this.#send(session, left, isWanted);
        for (const { write, obstacle, isLater } of answered) {
          if (isLater) continue;
          hasMoved ||= obstacle === undefined || obstacle.kind === 'conflict';
          if (obstacle !== undefined && !write.isStray) unwritten.set(write.key, obstacle);
        }
        if (answered.some(isLeaseLost)) this.#options.onLeaseLost(session);
        left = answered.filter(({ isLater }) => isLater).map(({ write }) => write);
      }
    }
    return { unwritten, hasMoved };
  }

  async #send(session: string, writes: readonly Write[], isWanted: () => boolean) {
    const { scripts, clock, commitTimes, failuresKept } = this.#options;
    const args: ScriptArgument[] = [session, ++this.#number, failuresKept];
    for (const { key, token, needs, record, failures } of writes) {
      const letters = (needs.lease ? 'l' : '') + (needs.room ? 'r' : '');
      args.push(key, token, letters, record, failures.length, ...failures);
    }
    const startMs = clock.monotonicMs();
    this.#astray = session;
    let isSentAgain = false;
    const [answer] = await scripts.run('write', args, () => (isSentAgain = isWanted()));
    this.#astray = undefined;
    commitTimes?.observe((clock.monotonicMs() - startMs) / 1000);
    return answeredOf(writes, String(answer), isSentAgain);
  }
}

const letterLeaseLost = 'l';
const letterDone = 'k';
const letterRefused = 'e';
const letterLater = 'n';

/** What became of one write. */
interface Answered {
  readonly write: Write;
  readonly obstacle: Obstacle | undefined;
  /** The script had no time for it. */
  readonly isLater: boolean;
}

const isLeaseLost = ({ obstacle }: Answered): boolean =>
  obstacle?.kind === 'lease_lost' || obstacle?.kind === 'unknown';

/** What the script answered of each write. */
function answeredOf(
  writes: readonly Write[],
  text: string,
  isSentAgain: boolean,
): readonly Answered[] {
  const lettersEnd = text.indexOf(' ');
  const letters = text.slice(0, lettersEnd);
  const reasons = text.slice(lettersEnd + 1).split('\n');
  return writes.map((write, at) => {
    const letter = letters.charAt(at);
    const isLater = letter === letterLater;
    const obstacle = isLater ? undefined : obstacleOf(letter, reasons);
    // Of one that needs no lease it means that the session is not known, and what it was answered before.
    const isForgotten = isSentAgain && obstacle?.kind === 'lease_lost' && !write.needs.lease;
    return { write, obstacle: isForgotten ? { kind: 'unknown' } : obstacle, isLater };
  });
}

/** Reasons come in the order of the letters that have one. */
function obstacleOf(letter: string, reasons: string[]): Obstacle | undefined {
  if (letter === letterDone) return undefined;
  if (letter === letterLeaseLost) return { kind: 'lease_lost' };
  if (letter === letterRefused) return { kind: 'refused', reason: reasons.shift() ?? '' };
  return { kind: 'conflict' };
}

const sizeOf = ({ key, token, record, failures }: Write): number =>
  failures.reduce((sum, { length }) => sum + length, key.length + token.length + record.length);

function* inPieces(writes: readonly Write[]): Generator<readonly Write[]> {
  let piece: Write[] = [];
  let bytes = 0;
  for (const write of writes) {
    const size = sizeOf(write);
    if (piece.length > 0 && (piece.length >= maxWrites || bytes + size > maxWriteBytes)) {
      yield piece;
      piece = [];
      bytes = 0;
    }
    piece.push(write);
    bytes += size;
  }
  if (piece.length > 0) yield piece;
}
