// An extension that brings the store `journal`: all plans in memory, every change a line of one file, on disk
// before it is answered. For thousands of plans, not millions: a claim looks through all of them, and a file
// that has grown is written anew while changes wait.
//
//   forsund --extension-path /etc/forsun/extensions --extension journal --driver journal
//
// settings  [extension.journal] file: the journal, an absolute path; its directory must be there
// file      A line is a change: the CRC-32 of its JSON, a blank, the JSON, a list of
//             {"key", "plan": a record in base64} | {"gone": key} | {"generation": the newest} | {"failure": {…}}
//           The last line may be torn: a change that was never answered. A damaged line is refused; lines
//           that are missing are not noticed. The journal is written anew at each start, and when it has grown
//           to twice its length and 4 MiB.
// lock      <file>.lock.<process id>.<random> says who has it open. It is seen by servers of one machine, or
//           container: never share the directory between several.
// failure   A journal that cannot be written ends the server: memory is ahead of it. The next start reads it.

import { randomUUID } from 'node:crypto';
import { open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { crc32 } from 'node:zlib';

import {
  advance,
  advanced,
  afterCrash,
  begun,
  decodeRecord,
  encodeRecord,
  failureOf,
  firingOf,
  planExists,
  planNotStored,
  policyOf,
  resumed,
  settled,
  triggered,
  unfinishedAt,
} from 'forsun/extension';

/**
 * @import { FileHandle } from 'node:fs/promises'
 * @import {
 *   Advance, AgendaPlace, Claim, ClaimResult, ClaimRoom, Failure, Firing, FiringName, ListedFailure,
 *   OpenStoreOptions, PlanDraft, PutOptions, Settlement, Store, StoredPlan, UnfinishedFiring, UnixSeconds
 * } from 'forsun/extension'
 */

/**
 * @typedef {object} Entry
 * @property {string} [key]
 * @property {string} [plan]
 * @property {string} [gone]
 * @property {number} [generation]
 * @property {ListedFailure} [failure]
 */
/** @typedef {{ due: UnixSeconds, plan: StoredPlan, step: Advance }} Due */
/** @typedef {{ due: UnixSeconds, plan: StoredPlan, firing: UnfinishedFiring }} Waiting */

/** A journal is written anew when it is twice as long as it was then, and by so much. */
const minGrowthBytes = 4 * 1024 ** 2;
/** In a journal that is written anew. */
const entriesPerLine = 100;

/** @type {import('forsun/extension').Extension} */
export default {
  name: 'journal',
  register({ settings, registerStore }) {
    const file = settings.get('file');
    if (file === undefined || !isAbsolute(file)) {
      throw new Error('it needs the setting "file", the absolute path of its journal');
    }
    registerStore('journal', (options) => openJournalStore(file, options));
  },
};

/**
 * @param {string} file
 * @param {OpenStoreOptions} options
 * @returns {Promise<Store>}
 */
export async function openJournalStore(file, options) {
  const unlock = await lock(file);
  try {
    const contents = new Contents(options.failuresKept);
    for await (const entry of read(file)) contents.apply(entry);
    const recovery = contents.recover(options);
    const journal = await Journal.begin(file, contents, unlock);
    return new JournalStore(contents, recovery, journal, options);
  } catch (error) {
    await unlock();
    throw error;
  }
}

/** All that the store keeps, and what is yet to be written of it. */
class Contents {
  /** @type {Map<string, StoredPlan>} */
  plans = new Map();
  /** The oldest first. @type {ListedFailure[]} */
  failures = [];
  generation = 0;
  /** @type {Entry[]} */
  unwritten = [];
  #failuresKept;

  /** @param {number} failuresKept */
  constructor(failuresKept) {
    this.#failuresKept = failuresKept;
  }

  /** @param {Entry} entry */
  apply({ key, plan, gone, generation, failure }) {
    if (key !== undefined && plan !== undefined) {
      const read = decodeRecord(key, Buffer.from(plan, 'base64'));
      this.plans.set(key, read);
      this.generation = Math.max(this.generation, read.generation);
    }
    if (gone !== undefined) this.plans.delete(gone);
    if (generation !== undefined) this.generation = Math.max(this.generation, generation);
    if (failure !== undefined) this.#keep(failure);
  }

  /**
   * @param {string} key
   * @param {StoredPlan | undefined} plan
   */
  set(key, plan) {
    if (plan === undefined) this.plans.delete(key);
    else this.plans.set(key, plan);
    this.unwritten.push(plan === undefined ? { gone: key } : entryOf(plan));
  }

  /** @param {Failure} failure */
  add(failure) {
    const number = (this.failures.at(-1)?.number ?? 0) + 1;
    const listed = { ...failure, number };
    this.#keep(listed);
    this.unwritten.push({ failure: listed });
  }

  /**
   * Puts what was in flight back on the agenda.
   *
   * @param {OpenStoreOptions} options
   */
  recover({ clock, statusKeepSeconds, random }) {
    let reclaimed = 0;
    /** @type {Firing[]} */
    const givenUp = [];
    for (const plan of [...this.plans.values()]) {
      const inFlight = plan.unfinished.filter(({ state }) => state.kind === 'in_flight').length;
      if (inFlight === 0) continue;
      const after = afterCrash(plan, { ending: { now: clock.now(), statusKeepSeconds }, random });
      this.set(plan.key, after.plan);
      for (const failure of after.failures) this.add(failure);
      givenUp.push(...after.givenUp);
      reclaimed += inFlight - after.givenUp.length;
    }
    return { reclaimed, givenUp };
  }

  /** All of it, for a new journal. */
  all() {
    this.unwritten = [];
    return [
      { generation: this.generation },
      ...[...this.plans.values()].map(entryOf),
      ...this.failures.map((failure) => ({ failure })),
    ];
  }

  /** @param {ListedFailure} failure */
  #keep(failure) {
    this.failures.push(failure);
    if (this.failures.length > this.#failuresKept) this.failures.shift();
  }
}

/** @implements {Store} */
class JournalStore {
  recovery;
  #contents;
  #journal;
  #options;
  /** @type {Set<string>} */
  #unclaimable = new Set();

  /**
   * @param {Contents} contents
   * @param {Store['recovery']} recovery
   * @param {Journal} journal
   * @param {OpenStoreOptions} options
   */
  constructor(contents, recovery, journal, options) {
    this.#contents = contents;
    this.recovery = recovery;
    this.#journal = journal;
    this.#options = options;
  }

  now() {
    return this.#options.clock.now();
  }

  /**
   * @param {PlanDraft} draft
   * @param {UnixSeconds} firstFireTime
   * @param {PutOptions} [options]
   */
  async put(draft, firstFireTime, { onlyIfAbsent = false, past } = {}) {
    if (onlyIfAbsent && this.#contents.plans.has(draft.key)) throw planExists(draft.key);
    this.#contents.generation += 1;
    const plan = begun(draft, this.#contents.generation, this.now(), firstFireTime, past);
    this.#contents.set(plan.key, plan);
    return this.#durable(plan);
  }

  /** @param {string} key */
  remove(key) {
    const plan = this.#contents.plans.get(key);
    if (plan !== undefined) this.#contents.set(key, undefined);
    return this.#durable(plan);
  }

  /** @param {string} key */
  async trigger(key) {
    const plan = this.#contents.plans.get(key);
    if (plan === undefined) return undefined;
    const policy = policyOf(plan.params, this.#options.policy);
    const { plan: after, firing } = triggered(plan, policy, this.now());
    this.#contents.set(key, after);
    return this.#durable(firing);
  }

  /** @param {string} key */
  async get(key) {
    return this.#contents.plans.get(key);
  }

  /** @param {readonly string[]} keys */
  async getMany(keys) {
    return keys.flatMap((key) => this.#contents.plans.get(key) ?? []);
  }

  /**
   * @param {string} prefix
   * @param {number} limit
   * @param {string} [after]
   */
  async keys(prefix, limit, after) {
    const keys = [...this.#contents.plans.keys()].filter(
      (key) => key.startsWith(prefix) && (after === undefined || byBytes(key, after) > 0),
    );
    return keys.sort(byBytes).slice(0, limit);
  }

  /**
   * @param {UnixSeconds} from
   * @param {UnixSeconds} to
   * @param {number} limit
   * @param {AgendaPlace} [after]
   */
  async agenda(from, to, limit, after) {
    const due = [...this.#contents.plans.values()].flatMap((plan) => {
      const { key, nextFireTime: fireTime } = plan;
      const isDue = fireTime !== undefined && fireTime >= from && fireTime < to;
      if (!isDue || (after !== undefined && byPlace({ fireTime, key }, after) <= 0)) return [];
      return [{ fireTime, key, plan }];
    });
    return due
      .sort(byPlace)
      .slice(0, limit)
      .map(({ plan }) => plan);
  }

  planCount() {
    return this.#contents.plans.size;
  }

  /**
   * @param {UnixSeconds} until
   * @param {ClaimRoom} room
   * @returns {Promise<ClaimResult>}
   */
  claim(until, room) {
    /** @type {Claim[]} */
    const claims = [];
    const result = {
      claims,
      merged: 0,
      skipped: 0,
      misfires: 0,
      moved: this.#expire(until),
      more: false,
    };
    const { taken, isAll } = withinRoom(this.#due(until), this.#waiting(until), room);
    for (const entry of taken) {
      result.moved += 1;
      // As it is now: another of these entries may have been of this plan.
      const plan = this.#contents.plans.get(entry.plan.key) ?? entry.plan;
      if ('firing' in entry) {
        claims.push(this.#claimAgain(plan, entry.firing));
        continue;
      }
      const { step } = entry;
      result.merged += step.merged;
      result.skipped += step.skipped;
      const after = advanced(plan, step, this.#ending(until));
      this.#contents.set(plan.key, after);
      if (after !== undefined && step.fire !== undefined) {
        if (step.isMisfire) result.misfires += 1;
        claims.push(claimOf(after, { fireTime: step.fire }));
      }
    }
    result.more = !isAll || this.#due(until).length > 0;
    return this.#durable(result);
  }

  /**
   * @param {string} origin
   * @param {number} limit
   */
  claimParked(origin, limit) {
    const parked = [...this.#unfinished()]
      .filter(({ firing: { state } }) => state.kind === 'parked' && state.origin === origin)
      .sort(byFiring);
    const claims = parked
      .slice(0, limit)
      .map(({ plan, firing }) =>
        this.#claimAgain(this.#contents.plans.get(plan.key) ?? plan, firing),
      );
    return this.#durable(claims);
  }

  /**
   * @param {string | undefined} after
   * @param {number} limit
   */
  async parkedOrigins(after, limit) {
    const origins = new Set(
      [...this.#unfinished()].flatMap(({ firing: { state } }) =>
        state.kind === 'parked' ? state.origin : [],
      ),
    );
    return [...origins]
      .filter((origin) => after === undefined || byBytes(origin, after) > 0)
      .sort(byBytes)
      .slice(0, limit);
  }

  /**
   * @param {Firing} firing
   * @param {Settlement} settlement
   */
  settle(firing, settlement) {
    const plan = this.#contents.plans.get(firing.key);
    const ours = plan && unfinishedAt(plan, firing, 'in_flight');
    if (plan?.generation === firing.generation && ours?.attempt === firing.attempt) {
      const now = this.now();
      this.#contents.set(plan.key, settled(plan, ours, settlement, this.#ending(now)));
      if (settlement.kind === 'failed') {
        this.#contents.add(failureOf(firing, plan, settlement.reason, now));
      }
    }
    return this.#durable(undefined);
  }

  /**
   * @param {string} prefix
   * @param {number} limit
   * @param {number} [before]
   */
  async failures(prefix, limit, before = Infinity) {
    const failures = this.#contents.failures.filter(
      ({ key, number }) => key.startsWith(prefix) && number < before,
    );
    return failures.reverse().slice(0, limit);
  }

  close() {
    return this.#journal.close();
  }

  /**
   * Answers once all that was changed so far is on disk.
   *
   * @template T
   * @param {T} answer
   */
  async #durable(answer) {
    try {
      await this.#journal.write();
    } catch (error) {
      this.#options.onFatal(new Error('the journal cannot be written', { cause: error }));
      throw planNotStored('the journal cannot be written', error);
    }
    return answer;
  }

  /** @param {UnixSeconds} until */
  #expire(until) {
    const expired = [...this.#contents.plans.values()].filter(
      ({ expires }) => expires !== undefined && expires <= until,
    );
    for (const { key } of expired) this.#contents.set(key, undefined);
    return expired.length;
  }

  /**
   * Due times by then, in order; without those that wait for a firing of their plan to end.
   *
   * @param {UnixSeconds} until
   */
  #due(until) {
    /** @type {Due[]} */
    const entries = [];
    for (const plan of this.#contents.plans.values()) {
      const due = plan.nextFireTime;
      if (due === undefined || due > until) continue;
      const step = this.#stepOf(plan, due, until);
      if (step?.waits === false) entries.push({ due, plan, step });
    }
    return entries.sort(byDue);
  }

  /**
   * Undefined for a plan that cannot be claimed: it hurts no other, and is told of once.
   *
   * @param {StoredPlan} plan
   * @param {UnixSeconds} due
   * @param {UnixSeconds} until
   */
  #stepOf(plan, due, until) {
    try {
      return advance(plan, policyOf(plan.params, this.#options.policy), due, until);
    } catch (error) {
      if (this.#unclaimable.has(plan.key)) return undefined;
      this.#unclaimable.add(plan.key);
      this.#options.log.error('plan_unclaimable', { key: plan.key, reason: String(error) });
      return undefined;
    }
  }

  /**
   * Retries, releases and re-claims that are due by then, in order.
   *
   * @param {UnixSeconds} until
   */
  #waiting(until) {
    /** @type {Waiting[]} */
    const entries = [];
    for (const { plan, firing } of this.#unfinished()) {
      const { state } = firing;
      if (state.kind === 'waiting' && state.until <= until) {
        entries.push({ due: state.until, plan, firing });
      }
    }
    return entries.sort(byDue);
  }

  *#unfinished() {
    for (const plan of this.#contents.plans.values()) {
      for (const firing of plan.unfinished) yield { plan, firing };
    }
  }

  /**
   * @param {StoredPlan} plan
   * @param {UnfinishedFiring} firing
   */
  #claimAgain(plan, firing) {
    const after = resumed(plan, firing);
    this.#contents.set(plan.key, after);
    return claimOf(after, firing);
  }

  /** @param {UnixSeconds} now */
  #ending(now) {
    return { now, statusKeepSeconds: this.#options.statusKeepSeconds };
  }
}

/**
 * Which of them a claim takes: late due times, three quarters oldest and the rest newest, and what is on
 * time have half of the room each, and more if the other leaves it.
 *
 * @param {readonly Due[]} due
 * @param {readonly Waiting[]} waiting
 * @param {ClaimRoom} room
 */
function withinRoom(due, waiting, room) {
  const onTime = due.filter((entry) => entry.due >= room.lateBefore);
  const late = due.slice(0, due.length - onTime.length);
  const left = Math.max(room.firings - onTime.length, Math.floor(room.firings / 2));
  const lateRoom = Math.min(room.late, left, late.length);
  const newest = lateRoom < late.length ? Math.floor(lateRoom / 4) : 0;
  const takenLate = [...late.slice(0, lateRoom - newest), ...late.slice(late.length - newest)];
  const others = [...onTime, ...waiting].sort(byDue);
  const taken = others.slice(0, room.firings - takenLate.length);
  return {
    taken: [...takenLate, ...taken],
    isAll: takenLate.length + taken.length === due.length + waiting.length,
  };
}

/**
 * One file, to which one change after another is added; those that come meanwhile are the next one. Once
 * what was added is far more than what there is, the file is written anew.
 */
class Journal {
  #path;
  #contents;
  #unlock;
  /** @type {FileHandle | undefined} */
  #file;
  #writtenBytes = 0;
  #longestBytes = 0;
  /** @type {Promise<void>} */
  #writing = Promise.resolve();
  /** The write that has not begun. @type {Promise<void> | undefined} */
  #next;

  /**
   * A new journal in place of what was there.
   *
   * @param {string} path
   * @param {Contents} contents
   * @param {() => Promise<void>} unlock
   */
  static async begin(path, contents, unlock) {
    const journal = new Journal(path, contents, unlock);
    await journal.#rewrite();
    return journal;
  }

  /**
   * @param {string} path
   * @param {Contents} contents
   * @param {() => Promise<void>} unlock
   */
  constructor(path, contents, unlock) {
    this.#path = path;
    this.#contents = contents;
    this.#unlock = unlock;
  }

  /** Resolves when all that was changed so far is on disk. */
  write() {
    this.#next ??= this.#writing.then(() => {
      this.#next = undefined;
      this.#writing = this.#writtenBytes > this.#longestBytes ? this.#rewrite() : this.#append();
      return this.#writing;
    });
    return this.#next;
  }

  async close() {
    await this.#next?.catch(() => undefined);
    await this.#writing.catch(() => undefined);
    await this.#file?.close();
    await this.#unlock();
  }

  async #append() {
    const entries = this.#contents.unwritten.splice(0);
    if (this.#file === undefined || entries.length === 0) return;
    const line = Buffer.from(lineOf(entries));
    this.#writtenBytes += line.length;
    await this.#file.appendFile(line);
    await this.#file.datasync();
  }

  /** All that there is, beside the old journal until it is whole; changes meanwhile are added behind it. */
  async #rewrite() {
    const entries = this.#contents.all();
    const file = await open(`${this.#path}.new`, 'w', 0o600);
    try {
      await writeFile(file, linesOf(entries));
      await file.sync();
      await rename(`${this.#path}.new`, this.#path);
      const directory = await open(dirname(this.#path));
      await directory.sync().finally(() => directory.close());
      this.#writtenBytes = (await file.stat()).size;
      this.#longestBytes = 2 * this.#writtenBytes + minGrowthBytes;
    } catch (error) {
      await file.close();
      throw error;
    }
    await this.#file?.close();
    this.#file = file;
  }
}

/**
 * What the journal says; nothing when there is none yet.
 *
 * @param {string} path
 * @returns {AsyncGenerator<Entry>}
 */
async function* read(path) {
  const file = await open(path).catch((error) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return;
  let number = 1;
  let rest = '';
  for await (const text of file.createReadStream({ encoding: 'utf8', highWaterMark: 1024 ** 2 })) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? ''; // at the end: torn, or nothing behind the last line's end
    for (const line of lines) {
      const json = line.slice(9);
      if (line.slice(0, 8) !== checksumOf(json)) {
        throw new Error(`line ${number} of ${path} is damaged`);
      }
      yield* /** @type {Entry[]} */ (JSON.parse(json));
      number += 1;
    }
  }
}

/** @param {readonly Entry[]} entries */
function* linesOf(entries) {
  for (let n = 0; n < entries.length; n += entriesPerLine) {
    yield lineOf(entries.slice(n, n + entriesPerLine));
  }
}

/** @param {readonly Entry[]} entries */
function lineOf(entries) {
  const json = JSON.stringify(entries);
  return `${checksumOf(json)} ${json}\n`;
}

/** @param {string} json */
const checksumOf = (json) => crc32(json).toString(16).padStart(8, '0');

/**
 * Makes the journal ours, and answers how to give it up. Who wants it says so first, in a file of its own,
 * and then looks who else does: of two at once both may be refused, and never both served. What dead
 * processes left is cleared away, and what has our own number: a container gives the same one again.
 *
 * @param {string} path
 */
async function lock(path) {
  const ours = `${path}.lock.${process.pid}.${randomUUID()}`;
  const unlock = () => rm(ours, { force: true });
  await writeFile(ours, '', { flag: 'wx', mode: 0o600 });
  try {
    const prefix = `${basename(path)}.lock.`;
    for (const name of await readdir(dirname(path))) {
      if (!name.startsWith(prefix) || name === basename(ours)) continue;
      const holder = Number(name.slice(prefix.length).split('.')[0]);
      const other = join(dirname(path), name);
      if (holder !== process.pid && isAlive(holder)) {
        throw new Error(
          `process ${holder} has the journal open; if it is no forsund, remove ${other}`,
        );
      }
      await rm(other, { force: true });
    }
    return unlock;
  } catch (error) {
    await unlock();
    throw error;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/**
 * @param {StoredPlan} plan
 * @returns {Entry}
 */
const entryOf = (plan) => ({ key: plan.key, plan: encodeRecord(plan).toString('base64') });

/**
 * @param {StoredPlan} plan
 * @param {FiringName} name
 * @returns {Claim}
 */
function claimOf(plan, name) {
  const firing = unfinishedAt(plan, name, 'in_flight');
  if (firing === undefined) throw new TypeError('a firing was claimed that is not in flight');
  return { firing: firingOf(plan, firing), plan };
}

/**
 * @param {{ due: UnixSeconds }} a
 * @param {{ due: UnixSeconds }} b
 */
const byDue = (a, b) => a.due - b.due;

/**
 * @param {AgendaPlace} a
 * @param {AgendaPlace} b
 */
const byPlace = (a, b) => a.fireTime - b.fireTime || byBytes(a.key, b.key);

/**
 * Those of one plan and second: that of the due time, then those triggered, in their order.
 *
 * @param {{ plan: StoredPlan, firing: UnfinishedFiring }} a
 * @param {{ plan: StoredPlan, firing: UnfinishedFiring }} b
 */
const byFiring = (a, b) =>
  a.firing.fireTime - b.firing.fireTime ||
  byBytes(a.plan.key, b.plan.key) ||
  (a.firing.trigger ?? 0) - (b.firing.trigger ?? 0);

/**
 * @param {string} a
 * @param {string} b
 */
const byBytes = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));
