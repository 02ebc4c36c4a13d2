import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import { expect } from 'vitest';

interface Response {
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
  readonly headers?: Readonly<Record<string, object>>;
}

interface Operation {
  readonly operationId: string;
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: object }>>;
  };
  readonly responses: Readonly<Record<string, Response>>;
}

export interface OpenApiDocument {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

interface SeenAnswer {
  readonly status: number;
  readonly type: string | null;
  readonly body: unknown;
  /** Absent: they are not looked at. */
  readonly headers?: Headers;
}

type Validators = ($ref: string) => ValidateFunction;

const known = new Map<string, Validators>();

/** Compiled once for all that hold something against the same document, for that takes long. */
function validatorsOf(document: OpenApiDocument): Validators {
  const text = JSON.stringify(document);
  const validators = known.get(text) ?? compiling(document);
  known.set(text, validators);
  return validators;
}

function compiling(document: OpenApiDocument): Validators {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  ajvFormats.default(ajv);
  ajv.addSchema(document, 'openapi');
  const compiled = new Map<string, ValidateFunction>();
  return ($ref) => {
    const validator = compiled.get($ref) ?? ajv.compile({ $ref });
    compiled.set($ref, validator);
    return validator;
  };
}

/** Holds real requests and answers against an OpenAPI document; what has been seen of it is counted. */
export class OpenApiCheck {
  /** `operation status` of each answer that was held against it. */
  readonly seen = new Set<string>();
  readonly #document: OpenApiDocument;
  readonly #validators: Validators;

  constructor(document: OpenApiDocument) {
    this.#document = document;
    this.#validators = validatorsOf(document);
  }

  /** What can be asked, as `GET /v2/plans`. */
  get requests(): readonly string[] {
    return Object.entries(this.#document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} /v2${path}`),
    );
  }

  /** Every answer that the document has, by operation; `default` left out. */
  get answers(): readonly string[] {
    return Object.values(this.#document.paths)
      .flatMap((methods) => Object.values(methods))
      .flatMap(({ operationId, responses }) =>
        Object.keys(responses).map((status) => `${operationId} ${status}`),
      );
  }

  /** Expects the answer to be one that the document has for that request. */
  expectAnswer(
    { method, path }: { readonly method: string; readonly path: string },
    answer: SeenAnswer,
  ): void {
    const [template, operation] = this.#operationAt(method, path);
    const response = operation.responses[answer.status];
    expect(Object.keys(operation.responses), `${method} ${path}`).toContain(String(answer.status));
    this.seen.add(`${operation.operationId} ${answer.status}`);
    for (const name of Object.keys(response?.headers ?? {})) {
      if (answer.headers !== undefined)
        expect([...answer.headers.keys()]).toContain(name.toLowerCase());
    }
    const content = response?.content;
    if (content === undefined) {
      expect(answer.body).toBeUndefined();
      return;
    }
    expect(Object.keys(content)).toContain(answer.type);
    const place = ['paths', template, method.toLowerCase(), 'responses', answer.status, 'content'];
    this.#expectValid([...place, answer.type ?? '', 'schema'], answer.body);
  }

  /** Whether the document's schema takes that body of a request. */
  takes(schema: string, body: unknown): boolean {
    return this.#validator(['components', 'schemas', schema])(body);
  }

  #operationAt(method: string, path: string): readonly [template: string, operation: Operation] {
    const plain = path.replace(/\?.*$/, '').replace(/^\/v2/, '');
    const fits = Object.keys(this.#document.paths).filter((template) =>
      new RegExp(`^${template.replace('{key}', '[^/]*')}$`).test(plain),
    );
    for (const template of fits) {
      const operation = this.#document.paths[template]?.[method.toLowerCase()];
      if (operation !== undefined) return [template, operation];
    }
    throw new Error(`the document has no ${method} ${plain}`);
  }

  #expectValid(place: readonly (string | number)[], data: unknown): void {
    const validator = this.#validator(place);
    const isValid = validator(data);
    expect(isValid, JSON.stringify({ data, errors: validator.errors }, undefined, 1)).toBe(true);
  }

  #validator(place: readonly (string | number)[]): ValidateFunction {
    const escaped = place.map((name) =>
      encodeURIComponent(String(name).replaceAll('~', '~0').replaceAll('/', '~1')),
    );
    const $ref = `openapi#/${escaped.join('/')}`;
    return this.#validators($ref);
  }
}
