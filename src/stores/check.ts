import { silentLog } from '../core/log.ts';
import { type CheckReport, checkStore } from './level/check.ts';
import { planContentsCheck, planContentsRebuild } from './level/plan-contents.ts';
import { describeDamage } from './level/refusal.ts';
import { type RepairReport, repairStore } from './level/repair.ts';

export interface CheckOptions {
  readonly directory: string;
  /** Build a sound store from what can be read when the check finds damage. */
  readonly repair: boolean;
  readonly nowMs: number;
  readonly print: (line: string) => void;
}

/**
 * Reads all of an embedded store that no server has open, and says what it found, for a person. True:
 * the store is sound, or is so now by repair. Throws a StoreRefusal when there is no store to read.
 */
export async function checkAndRepair(options: CheckOptions): Promise<boolean> {
  const { directory, repair, nowMs, print } = options;
  const report = await checkStore(directory, planContentsCheck());
  tellCheck(report, directory, print);
  if (report.damageCount === 0) return true;
  if (!repair) {
    print(
      'forsund check --repair keeps this store aside and builds a sound one from what can be read',
    );
    return false;
  }
  const rebuild = planContentsRebuild();
  tellRepair(await repairStore(directory, { log: silentLog, nowMs, rebuild }), print);
  return true;
}

function tellCheck(report: CheckReport, directory: string, print: (line: string) => void): void {
  const { damage, damageCount, tail, tablesRead, logsRead, entriesRead } = report;
  for (const each of damage) print(`damaged: ${describeDamage(each)}`);
  if (damageCount > damage.length) print(`damaged: ${damageCount - damage.length} more places`);
  if (tail !== undefined) {
    print(
      `not damage, left half written by a crash and never acknowledged: ${describeDamage(tail)}`,
    );
  }
  const read = `${logsRead} logs, ${tablesRead} tables and ${entriesRead} entries read`;
  print(
    `${directory}: ${damageCount === 0 ? 'sound' : `damaged in ${damageCount} places`}; ${read}`,
  );
}

function tellRepair(report: RepairReport, print: (line: string) => void): void {
  const { keptAside, entriesRead, entriesDropped, entriesWritten, damage, commitsLost } = report;
  for (const each of damage) print(`lost: ${describeDamage(each)}`);
  if (commitsLost > 0)
    print(`lost: ${commitsLost} commits behind the newest one that could be read`);
  print(
    `repaired: ${entriesRead} entries read, ${entriesDropped} dropped, ${entriesWritten} written; ` +
      `the damaged store is kept as ${keptAside}`,
  );
}
