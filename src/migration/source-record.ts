import { BadOriginal, type OriginalPlan, originalPlanOf } from './original-plan.ts';

/** A plan that was found where the original keeps its plans. */
export type SourceRecord =
  | { readonly kind: 'plan'; readonly where: string; readonly original: OriginalPlan }
  | { readonly kind: 'bad'; readonly where: string; readonly reason: string };

export function recordOf(where: string, bytes: Buffer): SourceRecord {
  try {
    return { kind: 'plan', where, original: originalPlanOf(bytes) };
  } catch (error) {
    if (!(error instanceof BadOriginal)) throw error;
    return { kind: 'bad', where, reason: error.message };
  }
}
