import { z } from 'zod';

import { badArgument } from '../../../core/errors.ts';
import type { ListedFailure } from '../../../core/failure.ts';
import type { AgendaPlace, Plan } from '../../../core/plan.ts';
import { addSeconds, unixSeconds } from '../../../core/time.ts';
import type { Page } from '../../../scheduler/page.ts';
import type { Caller } from '../../access/caller.ts';
import { type ShownPlan, shownTo } from '../../access/shown.ts';
import { permit } from '../bearer.ts';
import type { HttpDoor } from '../door.ts';
import { agendaCursor, failureCursor, keyCursor } from './cursor.ts';
import { operation, type Operation } from './operation.ts';
import { pageAnswer, type PagedList, pageFacts } from './page.ts';
import { failurePage, infoResource, planPage, showFailure, showPlan } from './resources.ts';
import { givenTime, lastTime, showTime } from './times.ts';
import { text, wholeNumber } from './values.ts';

const limit = wholeNumber(1, 1_000).default(100).describe('Most that one answer lists');
const prefix = text('a text').default('').describe('Keys begin so, literally');

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
    query: z.strictObject({ prefix, cursor: keyCursor.schema.exactOptional(), limit }),
    answers: { 200: pageFacts(planList) },
    refusals: [503],
    async run(asked) {
      const { prefix, cursor, limit } = asked.query;
      permit(asked, { role: 'read', prefix });
      const found = shownPage(asked.caller, await plans.plansAfter(prefix, cursor, limit));
      return pageAnswer(planList, found, { prefix, limit }, replyBytes);
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
    answers: { 200: pageFacts(agendaList) },
    refusals: [503],
    async run(asked) {
      const { from, to, cursor, limit } = asked.query;
      permit(asked, { role: 'read', prefix: '' });
      if (from !== undefined && to !== undefined && from > to) {
        throw badArgument(`from is ${showTime(from)}, expected no later than to, ${showTime(to)}`);
      }
      const due = await plans.agenda(from ?? firstTime, to ?? timesEnd, limit, cursor);
      const found = shownPage(asked.caller, due);
      return pageAnswer(agendaList, found, { from, to, limit }, replyBytes);
    },
  }),

  operation({
    id: 'listFailures',
    method: 'GET',
    path: '/failures',
    summary: 'List firings that were given up, newest first, page by page',
    role: 'read',
    query: z.strictObject({ prefix, cursor: failureCursor.schema.exactOptional(), limit }),
    answers: { 200: pageFacts(failureList) },
    refusals: [503],
    async run(asked) {
      const { prefix, cursor, limit } = asked.query;
      permit(asked, { role: 'read', prefix });
      const found = await plans.failures(prefix, limit, cursor);
      return pageAnswer(failureList, found, { prefix, limit }, replyBytes);
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
    refusals: [],
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

/** In JSON one UTF-16 unit may come to six bytes. */
const unitBytes = 6;

const plansOf = {
  items: 'plans',
  page: planPage,
  show: showPlan,
  mostBytes({ key, action, params, unfinished }: Plan): number {
    let units = key.length * (1 + unfinished.length) + action.length;
    for (const [name, value] of params) units += name.length + value.length + 1;
    return unitBytes * units + 1_000 + 250 * unfinished.length;
  },
};

const planList: PagedList<ShownPlan, string> = {
  ...plansOf,
  path: '/v2/plans',
  cursor: keyCursor,
  placeOf: ({ key }) => key,
};

const agendaList: PagedList<ShownPlan, AgendaPlace> = {
  ...plansOf,
  path: '/v2/agenda',
  cursor: agendaCursor,
  placeOf: ({ key, nextFireTime = firstTime }) => ({ fireTime: nextFireTime, key }),
};

const failureList: PagedList<ListedFailure, number> = {
  items: 'failures',
  page: failurePage,
  show: showFailure,
  path: '/v2/failures',
  cursor: failureCursor,
  placeOf: ({ number }) => number,
  mostBytes: ({ key, action, reason }) =>
    unitBytes * (2 * key.length + action.length + reason.length) + 500,
};
