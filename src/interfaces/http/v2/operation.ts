import type { z } from 'zod';

import type { Caller, Role } from '../../access/caller.ts';

/** One thing that /v2 does: what serves it, and what the OpenAPI document says of it. */
export interface Operation<
  Query extends z.ZodObject = z.ZodObject,
  Body extends z.ZodType = z.ZodType,
> {
  readonly id: string;
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** As OpenAPI writes it: under /v2, with {key} for the key of a plan. */
  readonly path: string;
  readonly summary: string;
  /** What a caller must have to be listened to; of single keys and actions it is asked again. */
  readonly role: Role;
  readonly query?: Query;
  readonly body?: Body;
  /** Headers that it looks at, with what they are good for. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly answers: Readonly<Record<number, AnswerFacts>>;
  /** Statuses of its own refusals, beside those that any operation may answer. */
  readonly refusals: readonly number[];
  run(asked: Asked<z.output<Query>, z.output<Body>>): Promise<Answer>;
}

export interface AnswerFacts {
  readonly description: string;
  /** Absent: there is no body. */
  readonly schema?: z.ZodType;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request, read and checked. */
export interface Asked<Query = Readonly<Record<string, unknown>>, Body = unknown> {
  /** Of the plan that the path names; empty where it names none. */
  readonly key: string;
  readonly query: Query;
  readonly body: Body;
  readonly caller: Caller;
  header(name: string): string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Ends the path of what is done to a plan, where a POST to the plan itself is none. */
export const triggerSuffix = ':trigger';

/** The operation, its query and body typed by their schemas. */
export const operation = <Query extends z.ZodObject, Body extends z.ZodType>(
  facts: Operation<Query, Body>,
): Operation => facts;
