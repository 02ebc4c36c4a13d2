import { STATUS_CODES } from 'node:http';

import { z } from 'zod';

import { problemType } from '../refusal.ts';
import { batchAnswer, batchBody } from './batch.ts';
import type { AnswerFacts, Operation } from './operation.ts';
import { batchItem, newPlanBody, planBody, policy } from './plan-body.ts';
import { problemDetails } from './problem.ts';
import {
  failurePage,
  failureResource,
  infoResource,
  planPage,
  planResource,
  triggeredResource,
} from './resources.ts';
import { givenSchedule } from './schedule.ts';

type Node = Readonly<Record<string, unknown>>;

/** The schemas that the document names: all that are sent as bodies, and what several of them share. */
const components = {
  Plan: planResource,
  PlanBody: planBody,
  NewPlan: newPlanBody,
  PlanPage: planPage,
  Schedule: givenSchedule,
  Policy: policy,
  Batch: batchBody,
  BatchPlan: batchItem,
  BatchResults: batchAnswer,
  TriggeredFiring: triggeredResource,
  Failure: failureResource,
  FailurePage: failurePage,
  Info: infoResource,
  Problem: problemDetails,
};

/** The OpenAPI document of the operations, of the schemas that check what they are asked. */
export function openApi(operations: readonly Operation[]): Node {
  const paths = new Map<string, Record<string, Node>>();
  for (const operation of operations) {
    const methods = paths.get(operation.path) ?? {};
    methods[operation.method.toLowerCase()] = operationNode(operation);
    paths.set(operation.path, methods);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'forsund', version: '2', description: 'Plans that fire when they are due' },
    servers: [{ url: '/v2' }],
    security: [{}, { token: [] }],
    paths: Object.fromEntries(paths),
    components: {
      schemas: componentNodes(),
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
  };
}

function operationNode(operation: Operation): Node {
  const { id, summary, query, body, answers } = operation;
  const headers = Object.entries(operation.headers ?? {});
  return {
    operationId: id,
    summary,
    parameters: [
      ...(operation.path.includes('{key}') ? [keyParameter] : []),
      ...Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
        name,
        in: 'query',
        schema: schemaNode(schema as z.ZodType),
      })),
      ...headers.map(([name, description]) => ({
        name,
        in: 'header',
        description,
        schema: { type: 'string' },
      })),
    ],
    ...(body !== undefined && {
      requestBody: { required: true, content: { 'application/json': { schema: refTo(body) } } },
    }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, facts]) => [status, answerNode(facts)]),
      ),
      ...Object.fromEntries(refusalsOf(operation).map((status) => [status, refusalNode(status)])),
      default: refusalNode(),
    },
  };
}

const keyParameter = {
  name: 'key',
  in: 'path',
  required: true,
  description: 'The key of a plan, as one segment: a / in it is written %2F',
  schema: { type: 'string' },
};

const answerNode = ({ description, schema, headers }: AnswerFacts): Node => ({
  description,
  ...headersNode(headers),
  ...(schema !== undefined && { content: { 'application/json': { schema: refTo(schema) } } }),
});

const headersNode = (headers: AnswerFacts['headers'] = {}): Node => {
  const nodes = Object.entries(headers).map(([name, description]) => [
    name,
    { description, schema: { type: 'string' } },
  ]);
  return nodes.length === 0 ? {} : { headers: Object.fromEntries(nodes) as Node };
};

/** What may be wrong with any request, whatever it asks; with one that may have a body or a condition. */
const ofAny = [400, 401, 403, 408, 422, 429, 431, 500];
const ofChanges = [412, 413, 415];

const refusalsOf = ({ method, refusals }: Operation): readonly number[] =>
  [...ofAny, ...(method === 'GET' ? [] : ofChanges), ...refusals].sort((a, b) => a - b);

const retryAfter = { 'Retry-After': 'Seconds to wait before asking again' };
const refusalHeaders: Readonly<Record<number, Readonly<Record<string, string>>>> = {
  401: { 'WWW-Authenticate': 'That a bearer token is expected' },
  429: retryAfter,
  503: retryAfter,
};

const refusalNode = (status?: number): Node => ({
  description: (status !== undefined && STATUS_CODES[status]) || 'Any other refusal',
  ...headersNode(status === undefined ? undefined : refusalHeaders[status]),
  content: { [problemType]: { schema: refTo(problemDetails) } },
});

const refOf = (id: string): string => `#/components/schemas/${id}`;

function refTo(schema: z.ZodType): Node {
  const id = Object.entries(components).find(([, component]) => component === schema)?.[0];
  if (id === undefined) throw new TypeError('the schema of a body has no name in the document');
  return { $ref: refOf(id) };
}

const writing = {
  io: 'input',
  unrepresentable: 'any',
  override: ({ jsonSchema }) => {
    // The format says what the pattern would, which nobody reads.
    if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
  },
} satisfies z.core.ToJSONSchemaParams;

function componentNodes(): Readonly<Record<string, Node>> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(components)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, { ...writing, uri: refOf });
  return Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, bare(schema)]));
}

const schemaNode = (schema: z.ZodType): Node => bare(z.toJSONSchema(schema, writing));

/** Without what a schema says of itself when it stands alone. */
const bare = ({ $schema: _dialect, $id: _id, ...node }: Node): Node => node;
