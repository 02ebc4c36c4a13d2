import { badArgument, ForsunError, quote } from '../core/errors.ts';
import type { Params } from '../core/plan.ts';
import {
  mayRefer,
  type Reference,
  referencesIn,
  referenceText,
  replaceReferences,
} from '../core/references.ts';
import type { Action, Outcome, PreparedAction, Run } from './action.ts';
import { unlessAborted } from './connections.ts';
import { SecretMissing, type Secrets } from './secrets.ts';

/** In all params of a plan: each may stand for a whole file. */
const MAX_REFERENCES = 32;

type Param = readonly [param: string, value: string];

/** What references stand for, by how params say them. */
type Texts = ReadonlyMap<string, string>;

/**
 * The action with references in its params, `${env:NAME}` and `${file:/path}`. A plan is judged by them as
 * they stand; each run of it gets what they stand for at that moment, keeps it no longer, and tells nothing
 * of it.
 */
export function withSecrets(action: Action, secrets: Secrets): Action {
  const { name, maxRunsPerOrigin, timeoutSeconds, retriesDeadline, verbatimParams = [] } = action;

  return {
    ...{ name, maxRunsPerOrigin, timeoutSeconds, retriesDeadline },
    prepare(params) {
      const open = openParams(params, verbatimParams);
      if (open.length === 0) return action.prepare(params);
      const references = open.flatMap(([param, value]) => allowedIn(param, value, secrets));
      if (references.length > MAX_REFERENCES) {
        throw badArgument(
          `the params have ${references.length} references, expected at most ${MAX_REFERENCES}`,
        );
      }
      const filledIn = (textOf: (reference: Reference) => string): Params =>
        new Map([...params, ...open.map(([param, value]) => filled(param, value, textOf))]);
      const judged = action.prepare(filledIn(referenceText));
      return {
        ...judged,
        async run(run) {
          const texts = await textsOf(references, secrets, run.signal);
          if ('kind' in texts) return texts;
          const resolved = filledIn((reference) => texts.get(referenceText(reference)) ?? '');
          return runWith(texts, run, judged, () => action.prepare(resolved));
        },
      };
    },
    close: async () => action.close?.(),
  };
}

/** Those that may refer to something: in nearly all plans none, which is found out at each create. */
function openParams(params: Params, verbatim: readonly string[]): readonly Param[] {
  const open: Param[] = [];
  for (const [param, value] of params) {
    if (mayRefer(value) && !verbatim.includes(param)) open.push([param, value]);
  }
  return open;
}

function allowedIn(param: string, value: string, secrets: Secrets): readonly Reference[] {
  const references = referencesIn(param, value);
  for (const reference of references) {
    const refusal = secrets.refusal(reference);
    if (refusal === undefined) continue;
    const what = quote(referenceText(reference));
    throw badArgument(`the param ${quote(param)} has ${what}, which no plan may have: ${refusal}`);
  }
  return references;
}

/** In a URL it must not become more than the part in which it stands: it is encoded, but for the / of a path. */
const filled = (param: string, value: string, textOf: (reference: Reference) => string): Param => [
  param,
  replaceReferences(param, value, (reference, before) => {
    const text = textOf(reference);
    if (!/^[a-z][a-z0-9+.-]{0,30}:\/\//i.test(before)) return text;
    const encoded = encodeURIComponent(text);
    return /^[^/]*\/\/[^/?#]*\/[^?#]*$/.test(before) ? encoded.replaceAll('%2F', '/') : encoded;
  }),
];

async function textsOf(
  references: readonly Reference[],
  secrets: Secrets,
  signal: AbortSignal,
): Promise<Texts | Outcome> {
  const texts = new Map<string, string>();
  try {
    for (const reference of references) {
      const said = referenceText(reference);
      if (!texts.has(said)) texts.set(said, await unlessAborted(signal, secrets.read(reference)));
    }
    return texts;
  } catch (error) {
    if (signal.aborted)
      return { kind: 'retry', reason: 'a file of its params was not read in time' };
    if (error instanceof SecretMissing) {
      return { kind: error.isPassing ? 'retry' : 'failed', reason: error.message };
    }
    throw error;
  }
}

async function runWith(
  texts: Texts,
  run: Run,
  judged: PreparedAction,
  prepare: () => PreparedAction,
): Promise<Outcome> {
  const failed = (why: string): Outcome => ({
    kind: 'failed',
    reason: `${why} ${[...texts.keys()].join(', ')}`,
  });
  try {
    const prepared = prepare();
    if (prepared.origin !== judged.origin) return failed('it would go elsewhere by what is in');
    const outcome = await prepared.run(run);
    return outcome.kind === 'done'
      ? outcome
      : { ...outcome, reason: without(texts, outcome.reason) };
  } catch (error) {
    // Not its message, which may quote what it refuses, in part or escaped.
    if (error instanceof ForsunError) return failed('its params cannot be used with what is in');
    return { kind: 'failed', reason: `the action broke: ${without(texts, String(error))}` };
  }
}

/** The text with what references stand for taken back. */
function without(texts: Texts, text: string): string {
  const longestFirst = [...texts].sort(([, a], [, b]) => b.length - a.length);
  return longestFirst.reduce(
    (left, [said, secret]) =>
      secret === ''
        ? left
        : left.replaceAll(secret, said).replaceAll(encodeURIComponent(secret), said),
    text,
  );
}
