import { onTestFinished } from 'vitest';

import type { HttpDependencies, HttpOptions } from '../../src/interfaces/http/server.ts';
import { httpDefaults } from '../../src/interfaces/http/settings.ts';
import { v2Routes } from '../../src/interfaces/http/v2/routes.ts';
import { type OpenHttpDoor, openHttpDoor } from './http-door.ts';
import { OpenApiCheck, type OpenApiDocument } from './openapi-check.ts';
import { Rig } from './rig.ts';

export interface V2Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Undefined: there was none. */
  readonly body: Record<string, unknown> | undefined;
}

export interface V2Request {
  /** Sent as JSON; a string as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** /v2 before a scheduler that runs, on a fake clock. Each answer is held against the OpenAPI document. */
export interface V2Door extends OpenHttpDoor {
  readonly rig: Rig;
  readonly check: OpenApiCheck;
  ask(method: string, path: string, request?: V2Request): Promise<V2Answer>;
}

export async function openV2Door(
  overrides: Partial<HttpDependencies> = {},
  { replyBytes = httpDefaults.replyBytes, ...options }: Partial<HttpOptions> = {},
): Promise<V2Door> {
  const rig = new Rig();
  onTestFinished(() => rig.stop());
  const { scheduler: plans, clock, counters, log } = rig;
  const routes = [v2Routes({ replyBytes })];
  const door = await openHttpDoor({ plans, counters, log, routes, ...overrides }, options);
  const document = (await (await door.fetch('/v2/openapi.json')).json()) as OpenApiDocument;
  const check = new OpenApiCheck(document);
  const ask = async (method: string, path: string, request: V2Request = {}): Promise<V2Answer> => {
    const { body, headers } = request;
    const isSent = body !== undefined;
    const response = await door.fetch(path, {
      method,
      headers: { ...(isSent && { 'content-type': 'application/json' }), ...headers },
      ...(isSent && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const answered = {
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : (JSON.parse(text) as Record<string, unknown>),
    };
    const type = response.headers.get('content-type')?.replace(/;.*/, '') ?? null;
    check.expectAnswer({ method, path }, { ...answered, type });
    return answered;
  };
  return { ...door, clock, rig, check, ask };
}
