import { addSeconds, type UnixSeconds } from '../../core/time.ts';
import { type Timed, TimerWheel } from '../../core/timer-wheel.ts';
import type { DueEntry } from '../claim-due.ts';
import { decodeRecord, UnreadableRecord } from '../record.ts';
import type { StoredPlan } from '../stored-plan.ts';
import type { Database, WriteBatch } from './database.ts';
import {
  agendaEntries,
  agendaEntryOf,
  agendaKey,
  type AgendaName,
  keyAfter,
  planKey,
  rangeOf,
  secondKey,
  timeOfAgendaKey,
} from './keys.ts';

/** An entry of an agenda that is in memory, with its plan as the last commit left it. */
export interface NearEntry extends DueEntry, Timed {
  readonly plan: StoredPlan;
}

export interface WindowBounds {
  readonly entries: number;
  readonly bytes: number;
}

/** Entries loaded at once are few, for their records come with them. */
const maxPiece = 128;

/**
 * The part of an agenda that memory knows: every entry in [from, edge), kept current by every commit,
 * so that nothing is read from disk at its second. It is loaded piece by piece at its edge; over its
 * bounds it lets go of what is due last, and the edge comes nearer.
 *
 *   ── from ════ in the wheel ════ edge ── on disk only ─▶ time
 */
export class AgendaWindow {
  readonly #agenda: AgendaName;
  readonly #db: Database;
  readonly #bounds: WindowBounds;
  readonly #onUnreadable: (error: UnreadableRecord) => void;
  readonly #pieceSize: number;
  readonly #wheel = new TimerWheel<NearEntry>();
  readonly #byKey = new Map<string, readonly NearEntry[]>();
  #from: Buffer;
  #edge: Buffer;
  #loading: Promise<boolean> | undefined;
  /** Plans committed while a piece is being loaded: what was read of them may be old. */
  #committed: Map<string, StoredPlan | undefined> | undefined;
  /** Marks that stand on disk, of this process and of those before, so far as they were met. */
  #oldMarks: readonly Buffer[] = [];
  /** Times it began anew: what was being loaded before is not wanted. */
  #beginnings = 0;

  constructor(
    agenda: AgendaName,
    db: Database,
    bounds: WindowBounds,
    onUnreadable: (error: UnreadableRecord) => void,
  ) {
    this.#agenda = agenda;
    this.#db = db;
    this.#bounds = bounds;
    this.#pieceSize = Math.max(1, Math.min(maxPiece, bounds.entries >> 1));
    this.#onUnreadable = onUnreadable;
    this.#from = rangeOf(agenda).start;
    this.#edge = this.#from;
  }

  /** Forgets all; the window begins anew there, empty. */
  restart(from?: UnixSeconds): void {
    this.#wheel.clear();
    this.#byKey.clear();
    this.#from = from === undefined ? rangeOf(this.#agenda).start : secondKey(this.#agenda, from);
    this.#edge = this.#from;
    this.#beginnings++;
  }

  /** Leaves what is due before that second to the disk; true when there was something. */
  advance(from: UnixSeconds): boolean {
    const start = secondKey(this.#agenda, from);
    if (Buffer.compare(start, this.#from) <= 0) return false;
    this.#from = start;
    if (Buffer.compare(this.#edge, start) < 0) {
      this.restart(from);
      return true;
    }
    const left = [...this.#wheel.due(addSeconds(from, -1))];
    for (const entry of left) this.drop(entry);
    return left.length > 0;
  }

  find(key: string): StoredPlan | undefined {
    return this.#byKey.get(key)?.[0]?.plan;
  }

  /** The plan is now so, or gone. */
  update(key: string, plan: StoredPlan | undefined): void {
    this.#committed?.set(key, plan);
    const old = this.#byKey.get(key);
    if (old !== undefined) {
      for (const entry of old) this.#wheel.remove(entry);
      this.#byKey.delete(key);
    }
    if (plan === undefined) return;
    const near = agendaEntries(this.#agenda, plan).filter((entry) => this.#covers(entry));
    if (near.length === 0) return;
    const bytes = memoryOf(plan);
    const entries = near.map((entry) => ({ ...entry, plan, bytes }));
    this.#byKey.set(key, entries);
    for (const entry of entries) this.#wheel.add(entry);
    this.#keepBounds();
  }

  /** Lets go of one entry, until its plan changes or the window is loaded anew. */
  drop(entry: NearEntry): void {
    if (!this.#wheel.remove(entry)) return;
    const kept = (this.#byKey.get(entry.key) ?? []).filter((other) => other !== entry);
    if (kept.length > 0) this.#byKey.set(entry.key, kept);
    else this.#byKey.delete(entry.key);
  }

  /** What is due by then, earliest first. */
  due(until: UnixSeconds): Iterable<NearEntry> {
    return this.#wheel.due(until);
  }

  /** Something is due by then, or may be, behind the edge. */
  hasDue(until: UnixSeconds): boolean {
    const { earliest } = this.#wheel;
    return (earliest !== undefined && earliest <= until) || !this.reaches(until);
  }

  /** It does not reach so far, and has room to. */
  wants(until: UnixSeconds): boolean {
    return !this.reaches(until) && !this.#isFull;
  }

  /** All that is due by then is in memory. */
  reaches(until: UnixSeconds): boolean {
    return Buffer.compare(this.#edge, secondKey(this.#agenda, addSeconds(until, 1))) >= 0;
  }

  /**
   * Puts a live entry where the load up to that second ends, and takes away the marks before it: a scan
   * that ends in deleted entries walks on until it meets one that lives.
   */
  mark(until: UnixSeconds): (batch: WriteBatch) => void {
    const mark = secondKey(this.#agenda, addSeconds(until, 1));
    const old = this.#oldMarks.filter((other) => !other.equals(mark));
    this.#oldMarks = [mark];
    return (batch) => {
      batch.put(mark, noValue);
      for (const key of old) batch.del(key);
    };
  }

  /** Loads until all that is due by then, or so many entries of it, are in memory. */
  async load(until: UnixSeconds, entries = Infinity): Promise<void> {
    const end = secondKey(this.#agenda, addSeconds(until, 1));
    while (this.wants(until) && this.#wheel.size < entries) {
      this.#loading ??= this.#loadPiece(end).finally(() => (this.#loading = undefined));
      const isOverBounds = await this.#loading;
      if (isOverBounds) return;
    }
  }

  get #isFull(): boolean {
    const { size, bytes } = this.#wheel;
    const piece = this.#pieceSize;
    if (size === 0) return false;
    return size + piece > this.#bounds.entries || bytes + piece * 1024 > this.#bounds.bytes;
  }

  /** True when what was loaded passed the bounds, and all of it was let go of again. */
  async #loadPiece(end: Buffer): Promise<boolean> {
    const beginnings = this.#beginnings;
    const edge = this.#edge;
    const committed = new Map<string, StoredPlan | undefined>();
    this.#committed = committed;
    const { found, keys, records } = await this.#readPiece(edge, end).finally(
      () => (this.#committed = undefined),
    );
    if (this.#beginnings !== beginnings || this.#edge !== edge) return false;
    const last = found.at(-1);
    this.#edge = last === undefined || found.length < this.#pieceSize ? end : keyAfter(last);
    for (const [index, key] of keys.entries()) {
      if (!committed.has(key)) this.#take(key, records[index]);
    }
    for (const [key, plan] of committed) this.update(key, plan);
    return Buffer.compare(this.#edge, edge) <= 0;
  }

  /** These will be taken away with the next mark. */
  metMarks(marks: readonly Buffer[]): void {
    const met = marks.filter((mark) => !this.#oldMarks.some((known) => known.equals(mark)));
    if (met.length > 0) this.#oldMarks = [...this.#oldMarks, ...met];
  }

  async #readPiece(from: Buffer, end: Buffer) {
    const found = await this.#db.keys({ gte: from, lt: end, limit: this.#pieceSize });
    this.metMarks(found.filter((bytes) => agendaEntryOf(bytes) === undefined));
    const keys = [...new Set(found.flatMap((bytes) => agendaEntryOf(bytes)?.key ?? []))];
    return { found, keys, records: await this.#db.getMany(keys.map(planKey)) };
  }

  #take(key: string, record: Buffer | undefined): void {
    if (record === undefined) return;
    try {
      this.update(key, decodeRecord(key, record));
    } catch (error) {
      if (!(error instanceof UnreadableRecord)) throw error;
      this.#onUnreadable(error);
    }
  }

  #covers(entry: DueEntry): boolean {
    const fromSecond = this.#from.length > 1 ? timeOfAgendaKey(this.#from) : -Infinity;
    if (entry.due < fromSecond) return false;
    const edgeSecond = this.#edge.length > 1 ? timeOfAgendaKey(this.#edge) : -Infinity;
    if (entry.due !== edgeSecond) return entry.due < edgeSecond;
    return Buffer.compare(agendaKey(this.#agenda, entry), this.#edge) < 0;
  }

  #keepBounds(): void {
    const { entries, bytes } = this.#bounds;
    while (this.#wheel.size > entries || this.#wheel.bytes > bytes) {
      const { farthest, earliest } = this.#wheel;
      if (farthest === undefined || farthest === earliest) {
        this.#halve();
        return;
      }
      for (const entry of [...this.#wheel.slot(farthest)]) this.drop(entry);
      this.#edge = secondKey(this.#agenda, farthest);
    }
  }

  /** One second alone is too much: keeps the first half of it, in the order of the disk. */
  #halve(): void {
    const second = this.#wheel.earliest;
    if (second === undefined) return;
    const inOrder = [...this.#wheel.slot(second)]
      .map((entry) => ({ entry, bytes: agendaKey(this.#agenda, entry) }))
      .sort((a, b) => Buffer.compare(a.bytes, b.bytes));
    const dropped = inOrder.slice(Math.max(1, inOrder.length >> 1));
    for (const { entry } of dropped) this.drop(entry);
    this.#edge = dropped[0]?.bytes ?? this.#edge;
  }
}

const noValue = Buffer.alloc(0);

const emptyPlanBytes = 700;

/** About what a plan costs in memory. */
function memoryOf({ key, params }: StoredPlan): number {
  let bytes = emptyPlanBytes + key.length;
  for (const [name, value] of params) bytes += 100 + name.length + value.length;
  return bytes;
}
