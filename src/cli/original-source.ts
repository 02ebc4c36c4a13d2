import { redisUrl } from '../config/redis-url.ts';
import { quote } from '../core/errors.ts';
import { plansOfDump } from '../migration/dump-file.ts';
import { movedPlanOf, type Moved, type MoveRules } from '../migration/moved-plan.ts';
import { WrongZone } from '../migration/moved-schedule.ts';
import { BadOriginal } from '../migration/original-plan.ts';
import type { RedisSource } from '../migration/redis-source.ts';
import type { SourceRecord } from '../migration/source-record.ts';
import {
  shiftedBy,
  shiftsOf,
  shiftText,
  type SourceZone,
  zoneNamed,
} from '../migration/source-zone.ts';
import { UsageError, type CommandContext } from './command.ts';
import { formatLocalTime } from './local-time.ts';
import type { FoundPlan, PlanSource } from './plan-source.ts';
import { countedPlans, grouped, Progress } from './progress.ts';

/** What was said of the plans of forsun 0.1; one of the first two. */
export interface OriginalWishes {
  readonly redis: string | undefined;
  readonly dump: string | undefined;
  readonly prefix: string;
  readonly serverId: string;
  readonly timezone: string | undefined;
  readonly overdue: string | undefined;
  readonly skipsBad: boolean;
}

/** Where the original has its plans. */
interface Original {
  readonly records: () => AsyncIterable<SourceRecord>;
  readonly zone: SourceZone;
  readonly close: () => void;
}

/**
 * The plans of the original, once all of them have been looked at: it is known then how to read their times,
 * and what to do about those that are past due. Rejects with a UsageError that says what has to be told.
 */
export async function openOriginal(
  wishes: OriginalWishes,
  context: CommandContext,
  signal: AbortSignal,
): Promise<PlanSource> {
  const overdue = overdueOf(wishes.overdue);
  const original = await (wishes.redis === undefined
    ? openDump(wishes)
    : openRedis(wishes.redis, wishes, context));
  signal.addEventListener('abort', original.close);
  const rules: MoveRules = {
    zone: original.zone,
    now: context.clock.now(),
    overdue: overdue ?? 'fire', // what falls due from here on does, as after an outage
  };
  try {
    const found = await lookAt(original, rules, context);
    if (found.wrongZone !== undefined && !wishes.skipsBad) throw new UsageError(found.wrongZone);
    if (found.overdue !== undefined && overdue === undefined) throw new UsageError(found.overdue);
  } catch (error) {
    original.close();
    throw error;
  }
  return new OriginalPlans(original, rules);
}

function overdueOf(text: string | undefined): 'fire' | 'skip' | undefined {
  if (text === undefined || text === 'fire' || text === 'skip') return text;
  throw new UsageError(`--overdue is fire or skip, not ${quote(text)}`);
}

async function openDump({ dump = '', timezone }: OriginalWishes): Promise<Original> {
  if (timezone === undefined) {
    throw new UsageError(
      'a dump does not say in which time zone its server ran: name that with --source-timezone, as Asia/Shanghai; in a container of forsun it was UTC',
    );
  }
  return {
    records: () => plansOfDump(dump),
    zone: zoneNamed(timezone),
    close: () => undefined,
  };
}

async function openRedis(
  text: string,
  { prefix, serverId, timezone }: OriginalWishes,
  { notes }: CommandContext,
): Promise<Original> {
  const url = redisUrl.safeParse(text);
  if (!url.success) {
    throw new UsageError(
      `--from-forsun-redis: expected ${url.error.issues[0]?.message ?? 'a URL'}`,
    );
  }
  if (!/^\d{1,10}$/.test(serverId)) throw new UsageError('--source-server-id is a number');
  const { RedisSource } = await import('../migration/redis-source.ts');
  const password = process.env['REDISCLI_AUTH'];
  const place = { url: url.data, password, prefix, serverId: Number(serverId) };
  const source = await RedisSource.open(place);
  try {
    if (await source.isRunning()) {
      await notes.write(
        'the server of these plans is at work still, and fires them, too: stop it\n',
      );
    }
    const zone = timezone === undefined ? await zoneOf(source) : zoneNamed(timezone);
    return { records: () => source.plans(), zone, close: () => source.close() };
  } catch (error) {
    source.close();
    throw error;
  }
}

async function zoneOf(source: RedisSource): Promise<SourceZone> {
  const shifts = shiftsOf(await source.witnesses());
  const [shift] = shifts;
  if (shift !== undefined && shifts.length === 1) return shiftedBy(shift);
  const found = shifts.length === 0 ? '' : ` (its keys say ${shifts.map(shiftText).join(' and ')})`;
  throw new UsageError(
    `in which time zone the server of these plans ran cannot be told${found}: name it with --source-timezone, as UTC or Asia/Shanghai`,
  );
}

/** What stands in the way of carrying the plans over, if anything. */
async function lookAt(
  { records }: Original,
  rules: MoveRules,
  context: CommandContext,
): Promise<{ readonly wrongZone: string | undefined; readonly overdue: string | undefined }> {
  const progress = new Progress('plans looked at', context);
  let wrongZone: string | undefined;
  let count = 0;
  let oldest: { readonly key: string; readonly nextFireTime: number } | undefined;
  for await (const record of records()) {
    await progress.add();
    const moved = record.kind === 'plan' ? movedOf(record, rules) : record;
    if (moved.kind === 'wrong zone') wrongZone ??= reasonOf(moved);
    if (moved.kind !== 'plan' || !moved.isOverdue) continue;
    count += 1;
    if (moved.plan.nextFireTime < (oldest?.nextFireTime ?? Infinity)) oldest = moved.plan;
  }
  await progress.end();
  if (oldest === undefined) return { wrongZone, overdue: undefined };
  const since = `${quote(oldest.key)} since ${formatLocalTime(oldest.nextFireTime)}`;
  const overdue =
    `${grouped(count)} of ${countedPlans(progress.count)} are past due, ${since}: ` +
    'say --overdue fire to have them fired now, or --overdue skip; nothing has been imported';
  return { wrongZone, overdue };
}

interface Bad {
  readonly kind: 'bad' | 'wrong zone';
  readonly where: string;
  readonly reason: string;
}

const reasonOf = ({ where, reason }: Bad): string => `${where}: ${reason}`;

function movedOf(record: SourceRecord & { readonly kind: 'plan' }, rules: MoveRules): Moved | Bad {
  try {
    return movedPlanOf(record.original, rules);
  } catch (error) {
    if (!(error instanceof BadOriginal)) throw error;
    const where = `${record.where}, ${quote(record.original.key)}`;
    const kind = error instanceof WrongZone ? 'wrong zone' : 'bad';
    return { kind, where, reason: error.message };
  }
}

class OriginalPlans implements PlanSource {
  readonly isOrdered = false;
  readonly fault = undefined;
  readonly #original: Original;
  readonly #rules: MoveRules;

  constructor(original: Original, rules: MoveRules) {
    this.#original = original;
    this.#rules = rules;
  }

  async *plans(): AsyncGenerator<FoundPlan> {
    try {
      for await (const record of this.#original.records()) yield foundOf(record, this.#rules);
    } finally {
      this.#original.close();
    }
  }
}

function foundOf(record: SourceRecord, rules: MoveRules): FoundPlan {
  const moved = record.kind === 'plan' ? movedOf(record, rules) : record;
  switch (moved.kind) {
    case 'plan':
      return { kind: 'plan', plan: moved.plan, where: record.where };
    case 'ended':
      return { kind: 'ended' };
    case 'left out': {
      const due = formatLocalTime(moved.dueTime);
      return { kind: 'left out', reason: `${quote(moved.key)}: left out, for it was due ${due}` };
    }
    case 'bad':
    case 'wrong zone':
      return { kind: 'bad', reason: reasonOf(moved) };
    default:
      return moved satisfies never;
  }
}
