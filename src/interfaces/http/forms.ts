import type { FastifyReply } from 'fastify';

import { type HttpRefusal, problem, problemType } from './refusal.ts';
import { partOfTarget } from './target.ts';

/** How a refusal is written. */
export interface RefusalForm {
  readonly contentType: string;
  text(refusal: HttpRefusal): string;
}

/** Problem details, for whatever no part of the bridge has a form of its own for. */
const problemForm: RefusalForm = {
  contentType: problemType,
  text: ({ statusCode, message }) => problem(statusCode, message),
};

/** The forms that parts of the bridge give their refusals, those of requests that reach no route too. */
export class RefusalForms {
  readonly #byPrefix = new Map<string, RefusalForm>();

  /** Of targets whose path begins so, as /v1. */
  set(prefix: string, form: RefusalForm): void {
    this.#byPrefix.set(prefix, form);
  }

  of(target: string): RefusalForm {
    return this.#byPrefix.get(partOfTarget(target)) ?? problemForm;
  }
}

export function answerWith(form: RefusalForm, refusal: HttpRefusal, reply: FastifyReply): void {
  const { statusCode, headers } = refusal;
  void reply.code(statusCode).headers(headers).type(form.contentType).send(form.text(refusal));
}
