import { z } from 'zod';

import { badArgument } from '../../../core/errors.ts';
import type { AgendaPlace, Plan } from '../../../core/plan.ts';
import { addSeconds, unixSeconds } from '../../../core/time.ts';
import type { Page } from '../../../scheduler/page.ts';
import type { Caller } from '../../access/caller.ts';
import { type ShownPlan, shownTo } from '../../access/shown.ts';
import { permit } from '../bearer.ts';
import type { HttpDoor } from '../door.ts';
import { agendaCursor, keyCursor } from './cursor.ts';
import { type Answer, mayFail, operation, type Operation } from './operation.ts';
import { failureList, infoResource, planPage, showFailure, showPlan } from './resources.ts';
import { givenTime, lastTime, showTime } from './times.ts';
import { text, wholeNumber } from './values.ts';

const limit = wholeNumber(1, 1_000).default(100).describe('Most that one answer lists');
const prefix = text('a text').default('').describe('Keys begin so, literally');

const page = {
  description: 'A page of plans; fewer than `limit` are not the end of the list, no `next` is',
  schema: planPage,
};

/** Lists of plans, and of what became of them. */
export const listOperations = (
  { plans, info }: Pick<HttpDoor, 'plans' | 'info'>,
  { replyBytes }: { readonly replyBytes: number },
): readonly Operation[] => [
  operation({
    id: 'listPlans',
    method: 'GET',
    path: '/plans',
    summary: 'List plans in byte order of their keys, page by page',
    role: 'read',
    query: z.strictObject({
      prefix,
      cursor: keyCursor.schema.exactOptional(),
      limit,
    }),
    answers: { 200: page },
    refusals: mayFail,
    async run(asked) {
      const { prefix, cursor, limit } = asked.query;
      permit(asked, { role: 'read', prefix });
      const found = shownPage(asked.caller, await plans.plansAfter(prefix, cursor, limit));
      const { items, next } = fitting(found, ({ key }) => key, replyBytes);
      return pageAnswer(items, next && keyCursor.write(next), '/v2/plans', {
        ...(prefix !== '' && { prefix }),
        limit: String(limit),
      });
    },
  }),

  operation({
    id: 'listAgenda',
    method: 'GET',
    path: '/agenda',
    summary: 'List plans by their next fire time, page by page',
    role: 'read',
    query: z.strictObject({
      from: givenTime.exactOptional().describe('Next fire times from then on'),
      to: givenTime.exactOptional().describe('Next fire times before then'),
      cursor: agendaCursor.schema.exactOptional(),
      limit,
    }),
    answers: { 200: page },
    refusals: mayFail,
    async run(asked) {
      const { from, to, cursor, limit } = asked.query;
      permit(asked, { role: 'read', prefix: '' });
      if (from !== undefined && to !== undefined && from > to) {
        throw badArgument(`from is ${showTime(from)}, expected no later than to, ${showTime(to)}`);
      }
      const due = await plans.agenda(from ?? firstTime, to ?? timesEnd, limit, cursor);
      const found = shownPage(asked.caller, due);
      const { items, next } = fitting(found, agendaPlace, replyBytes);
      return pageAnswer(items, next && agendaCursor.write(next), '/v2/agenda', {
        ...(from !== undefined && { from: showTime(from) }),
        ...(to !== undefined && { to: showTime(to) }),
        limit: String(limit),
      });
    },
  }),

  operation({
    id: 'listFailures',
    method: 'GET',
    path: '/failures',
    summary: 'List firings that were given up, newest first',
    role: 'read',
    query: z.strictObject({ prefix, limit }),
    answers: {
      200: {
        description: 'The newest failures',
        schema: failureList,
      },
    },
    refusals: mayFail,
    async run(asked) {
      const { prefix, limit } = asked.query;
      permit(asked, { role: 'read', prefix });
      const failures = await plans.failures(prefix, limit);
      return { status: 200, body: { failures: failures.map(showFailure) } };
    },
  }),

  operation({
    id: 'getInfo',
    method: 'GET',
    path: '/info',
    summary: 'Show what the server is, and what it has done',
    role: 'read',
    answers: {
      200: { description: 'Texts by name', schema: infoResource },
    },
    refusals: [403, 500],
    async run() {
      return { status: 200, body: Object.fromEntries(info()) };
    },
  }),
];

/** What stands for a bound that is not given: all that can be said lies between. */
const firstTime = unixSeconds(0);
const timesEnd = addSeconds(lastTime, 1);

const shownPage = <Place>(
  caller: Caller,
  { items, ...rest }: Page<Plan, Place>,
): Page<ShownPlan, Place> => ({ ...rest, items: items.map((plan) => shownTo(caller, plan)) });

const agendaPlace = ({ key, nextFireTime = firstTime }: Plan): AgendaPlace => ({
  fireTime: nextFireTime,
  key,
});

/** As much of the page as one reply may hold, though it be one plan. */
function fitting<Place>(
  { items, next }: Page<ShownPlan, Place>,
  placeOf: (plan: Plan) => Place,
  bytes: number,
): Page<ShownPlan, Place> {
  let left = bytes;
  const over = items.findIndex((plan) => (left -= mostBytes(plan)) < 0);
  const kept = over < 0 ? items : items.slice(0, Math.max(over, 1));
  const last = kept.at(-1);
  if (kept.length < items.length && last !== undefined) return { items: kept, next: placeOf(last) };
  return next === undefined ? { items } : { items, next };
}

/** No plan takes more in JSON, where one UTF-16 unit may come to six bytes. */
function mostBytes({ key, action, params, unfinished }: Plan): number {
  let units = key.length * (1 + unfinished.length) + action.length;
  for (const [name, value] of params) units += name.length + value.length + 1;
  return 6 * units + 1_000 + 250 * unfinished.length;
}

function pageAnswer(
  plans: readonly ShownPlan[],
  cursor: string | undefined,
  path: string,
  query: Readonly<Record<string, string>>,
): Answer {
  const body = { plans: plans.map(showPlan) };
  if (cursor === undefined) return { status: 200, body };
  const next = new URLSearchParams({ ...query, cursor }).toString();
  return { status: 200, body: { ...body, next_cursor: cursor, next: `${path}?${next}` } };
}
