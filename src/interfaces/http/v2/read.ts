import type { z } from 'zod';

import { quote } from '../../../core/errors.ts';
import { isArray, isObject, type Json, kindOf } from '../json.ts';
import { BadFields, type Fault } from './problem.ts';

/** The most faults that one answer names. */
const maxFaults = 10;

/** A JSON value by its schema; throws BadFields, which says of each field what came and what was expected. */
export function readJson<S extends z.ZodType>(schema: S, json: Json): z.output<S> {
  const result = schema.safeParse(plain(json, inBody));
  if (result.success) return result.data;
  throw badFields(result.error.issues, json, inBody);
}

/**
 * A query by its schema; throws BadFields. A query has only texts: where none is expected, one counts as the
 * number that it spells.
 */
export function readQuery<S extends z.ZodObject>(
  schema: S,
  query: ReadonlyMap<string, string>,
): z.output<S> {
  const given = new Map<string, Json>();
  for (const [name, value] of query) {
    const field = schema.shape[name] as z.ZodType | undefined;
    const isNumber = /^-?\d{1,15}$/.test(value) && field?.safeParse(value).success === false;
    given.set(name, isNumber ? Number(value) : value);
  }
  const result = schema.safeParse(plain(given, inQuery));
  if (result.success) return result.data;
  throw badFields(result.error.issues, given, inQuery);
}

/** More than any object has by its schema; zod would go on to name all that are not in it. */
const maxFields = 100;

/**
 * As zod reads it. Params stay a map, for `__proto__` is a name like any other; an array stays as it came, for
 * its items are read one by one.
 */
function plain(json: Json, source: Source, path: Path = []): unknown {
  if (!isObject(json) || path.at(-1) === 'params') return json;
  if (json.size > maxFields) {
    const where = path.join('.') || source.whole;
    const detail = `${where} has ${json.size} ${source.part}s, expected at most ${maxFields}`;
    throw new BadFields([{ pointer: source.pointer(path), detail }]);
  }
  const object = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of json) object[name] = plain(value, source, [...path, name]);
  return object;
}

type Path = readonly string[];

/** How the places of what was read are called. */
interface Source {
  readonly whole: string;
  readonly part: string;
  pointer(path: Path): string;
}

const inBody: Source = {
  whole: 'the body',
  part: 'field',
  pointer: (path) => path.map((name) => `/${escaped(name)}`).join(''),
};

const inQuery: Source = {
  whole: 'the query',
  part: 'query parameter',
  pointer: (path) => path.join('/'),
};

type Issue = z.core.$ZodIssue;

function badFields(issues: readonly Issue[], json: Json, source: Source): BadFields {
  const faults = issues.flatMap((issue) => faultsOf(issue, [], json, source)).slice(0, maxFaults);
  const [first, ...others] = faults.map(({ path, detail }) => ({
    pointer: source.pointer(path),
    detail,
  }));
  if (first === undefined) throw new TypeError('a value was refused without a reason');
  return new BadFields([first, ...others]);
}

interface Place extends Omit<Fault, 'pointer'> {
  readonly path: Path;
}

function faultsOf(issue: Issue, above: Path, json: Json, source: Source): readonly Place[] {
  const path = [...above, ...issue.path.map(String)];
  const where = path.join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...path, key],
      detail: `there is no ${source.part} ${quote(key)}${where === '' ? '' : ` in ${where}`}`,
    }));
  }
  if (issue.code === 'invalid_union') {
    const meant = meantBy(issue.errors, path, json);
    if (meant !== undefined) return meant.flatMap((one) => faultsOf(one, path, json, source));
  }
  const value = valueAt(json, path);
  const isSecret = path.includes('params');
  const came = value === undefined ? 'is missing' : `is ${isSecret ? kindOf(value) : shown(value)}`;
  return [{ path, detail: `${where || source.whole} ${came}, expected ${issue.message}` }];
}

/** The value as such is not of the kind that was expected: nothing more can be said of what is in it. */
const otherKinds: ReadonlySet<Issue['code']> = new Set(['invalid_type', 'invalid_union']);

/**
 * Of several forms that a value may have, what is wrong with the one it comes closest to; undefined when it
 * comes close to none.
 */
function meantBy(
  forms: readonly (readonly Issue[])[],
  path: Path,
  json: Json,
): readonly Issue[] | undefined {
  const near = forms.filter((issues) =>
    issues.every(({ path: inner, code }) =>
      inner.length === 0
        ? !otherKinds.has(code)
        : valueAt(json, [...path, ...inner.map(String)]) !== undefined,
    ),
  );
  const unknownNames = (issues: readonly Issue[]): number =>
    issues.reduce(
      (sum, issue) => sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 0),
      0,
    );
  return [...near].sort((a, b) => unknownNames(a) - unknownNames(b))[0];
}

function valueAt(json: Json, path: Path): Json | undefined {
  let value: Json | undefined = json;
  for (const name of path) {
    if (value === undefined) return undefined;
    value = isObject(value) ? value.get(name) : isArray(value) ? value[Number(name)] : undefined;
  }
  return value;
}

/** A value as a refusal shows it; what may be long only by its kind. */
function shown(value: Json): string {
  if (typeof value === 'string') return quote(value, 64);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : kindOf(value);
}

/** As RFC 6901 writes a name in a pointer. */
const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');
