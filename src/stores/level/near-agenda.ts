import { addSeconds, type UnixSeconds } from '../../core/time.ts';
import type { UnreadableRecord } from '../record.ts';
import type { Agenda, Candidates, DueEntry } from '../claim-due.ts';
import type { ClaimRoom } from '../store.ts';
import type { StoredPlan } from '../stored-plan.ts';
import { AgendaWindow, type NearEntry, type WindowBounds } from './agenda-window.ts';
import type { Database, WriteBatch } from './database.ts';
import { agendaEntryOf, agendaKey, keyAfter, rangeOf, secondKey } from './keys.ts';
import { LateBacklog } from './late-backlog.ts';

export interface NearAgendaOptions {
  readonly bounds: WindowBounds;
  /** How far ahead of the clock the agenda is kept in memory. */
  readonly horizonSeconds: number;
  readonly onUnreadable: (error: UnreadableRecord) => void;
}

/** Makes the marks of the windows durable, with whatever else is written. */
export type WriteMarks = (operation: (batch: WriteBatch) => void) => Promise<void>;

/**
 * What falls due, so far as memory knows it, by three ways:
 *
 *   the late backlog   due times before `lateBefore`: on disk only, claimed by range at a bounded rate
 *   the due window     due times from `lateBefore` on, loaded ahead of time
 *   the waiting window retries, releases, re-claims and expiries, however late: loaded ahead of time
 *
 * It begins with the first claim, for only then it is known what is late.
 */
export class NearAgenda implements Agenda<NearEntry> {
  readonly #db: Database;
  readonly #horizonSeconds: number;
  readonly #due: AgendaWindow;
  readonly #waiting: AgendaWindow;
  readonly #late = new LateBacklog();
  #lateBefore: UnixSeconds | undefined;

  constructor(db: Database, { bounds, horizonSeconds, onUnreadable }: NearAgendaOptions) {
    this.#db = db;
    this.#horizonSeconds = horizonSeconds;
    this.#due = new AgendaWindow('agenda', db, bounds, onUnreadable);
    this.#waiting = new AgendaWindow('waiting', db, bounds, onUnreadable);
  }

  find(key: string): StoredPlan | undefined {
    return this.#due.find(key) ?? this.#waiting.find(key);
  }

  update(key: string, plan: StoredPlan | undefined): void {
    this.#due.update(key, plan);
    this.#waiting.update(key, plan);
    const next = plan?.nextFireTime;
    if (next === undefined || this.#lateBefore === undefined || next >= this.#lateBefore) return;
    const from = agendaKey('agenda', { due: next, key });
    this.#late.add({ from, to: keyAfter(from) });
  }

  /** Lets go of an entry that cannot be claimed now, until its plan changes. */
  drop(entry: NearEntry): void {
    this.#due.drop(entry);
    this.#waiting.drop(entry);
  }

  /** Knows nothing any more; the next look begins anew. */
  forget(): void {
    this.#lateBefore = undefined;
    this.#late.clear();
    this.#due.restart();
    this.#waiting.restart();
  }

  /** Something is due by then that another look would find, or might. */
  hasDue(until: UnixSeconds): boolean {
    const end = secondKey('agenda', addSeconds(until, 1));
    return this.#due.hasDue(until) || this.#waiting.hasDue(until) || this.#late.hasSpanBelow(end);
  }

  /** What is due by then, as far as there is room; late due times leave the backlog with it. */
  async look(until: UnixSeconds, room: ClaimRoom): Promise<Candidates<NearEntry>> {
    this.#moveTo(room.lateBefore);
    await this.#due.load(until, room.firings);
    await this.#waiting.load(until, room.firings);
    const onTime = countUpTo(this.#due.due(until), room.firings);
    // Neither side can take more than half of the room from the other.
    const lateRoom = Math.min(room.late, Math.max(room.firings - onTime, room.firings >> 1));
    const late = await this.#takeLate(until, lateRoom);
    const left = room.firings - late.length;
    const { due, waiting } = earliest(this.#due.due(until), this.#waiting.due(until), left);
    return { late, due, waiting };
  }

  /** Loads what comes within the horizon, so that no claim has to wait for it. */
  async loadAhead(now: UnixSeconds, write: WriteMarks): Promise<void> {
    const half = addSeconds(now, this.#horizonSeconds >> 1);
    const horizon = addSeconds(now, this.#horizonSeconds);
    const windows = [this.#due, this.#waiting].filter((window) => window.wants(half));
    if (windows.length === 0) return;
    const marks = windows.map((window) => window.mark(horizon));
    await write((batch) => marks.forEach((mark) => mark(batch)));
    for (const window of windows) await window.load(horizon);
  }

  #moveTo(lateBefore: UnixSeconds): void {
    const before = this.#lateBefore;
    if (before === lateBefore) return;
    this.#lateBefore = lateBefore;
    const start = secondKey('agenda', lateBefore);
    if (before === undefined) {
      this.#late.add({ from: rangeOf('agenda').start, to: start });
      this.#due.restart(lateBefore);
    } else if (before < lateBefore) {
      const isLeft = this.#due.advance(lateBefore);
      if (isLeft) this.#late.add({ from: secondKey('agenda', before), to: start });
    } else {
      this.#late.cutFrom(start);
      this.#due.restart(lateBefore);
    }
  }

  async #takeLate(until: UnixSeconds, room: number): Promise<readonly DueEntry[]> {
    const end = secondKey('agenda', addSeconds(until, 1));
    const oldest = await this.#readLate(end, room + 1, false);
    if (oldest.length <= room) {
      this.#late.cutBelow(end);
      return entriesOf(oldest);
    }
    const newestRoom = room >> 2;
    const newest = await this.#readLate(end, newestRoom, true);
    const taken = oldest.slice(0, room - newestRoom);
    const lastTaken = taken.at(-1);
    const firstNewest = newest.at(-1);
    if (lastTaken !== undefined) this.#late.cutBelow(keyAfter(lastTaken));
    if (firstNewest !== undefined) this.#late.cutFrom(firstNewest);
    return entriesOf([...taken, ...newest.reverse()]);
  }

  async #readLate(end: Buffer, limit: number, reverse: boolean): Promise<Buffer[]> {
    const found: Buffer[] = [];
    const spans = reverse ? this.#late.spans.toReversed() : this.#late.spans;
    for (const { from, to } of spans) {
      if (found.length >= limit) break;
      if (Buffer.compare(from, end) >= 0) continue;
      const lt = Buffer.compare(to, end) < 0 ? to : end;
      const keys = await this.#db.keys({ gte: from, lt, limit: limit - found.length, reverse });
      found.push(...keys);
      this.#due.metMarks(keys.filter(isMark));
    }
    return found;
  }
}

const isMark = (key: Buffer): boolean => agendaEntryOf(key) === undefined;

const entriesOf = (keys: readonly Buffer[]): DueEntry[] =>
  keys.flatMap((key) => agendaEntryOf(key) ?? []);

function countUpTo(entries: Iterable<unknown>, limit: number): number {
  let count = 0;
  for (const rest = entries[Symbol.iterator](); count < limit && rest.next().done !== true;)
    count++;
  return count;
}

/** So many entries of both, the earliest. */
function earliest(
  dues: Iterable<NearEntry>,
  waitings: Iterable<NearEntry>,
  limit: number,
): { due: NearEntry[]; waiting: NearEntry[] } {
  const due: NearEntry[] = [];
  const waiting: NearEntry[] = [];
  const nextDue = dues[Symbol.iterator]();
  const nextWaiting = waitings[Symbol.iterator]();
  let a = nextDue.next();
  let b = nextWaiting.next();
  while (due.length + waiting.length < limit) {
    if (a.done !== true && (b.done === true || a.value.due <= b.value.due)) {
      due.push(a.value);
      a = nextDue.next();
    } else if (b.done !== true) {
      waiting.push(b.value);
      b = nextWaiting.next();
    } else break;
  }
  return { due, waiting };
}
