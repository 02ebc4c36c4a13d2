import { badArgument } from '../../core/errors.ts';
import type { Plan } from '../../core/plan.ts';
import { unixSeconds } from '../../core/time.ts';
import type { PlanService } from '../../scheduler/plan-service.ts';
import { forsunService, type MethodName, type PlanMethod } from '../../wire/forsun.ts';
import type { Method } from '../../wire/messages.ts';
import type { MessageHeader, WireReader } from '../../wire/protocol.ts';
import type { Fields, StructValue } from '../../wire/schema.ts';
import type { Caller, Wish } from '../access/caller.ts';
import {
  type Call,
  type CallKind,
  type OnInternalError,
  readCall,
  type Served,
  unknownMethod,
} from './call.ts';
import { shownTo } from '../access/shown.ts';
import {
  calendarRequest,
  intervalRequest,
  literalPrefix,
  restoreRequest,
  wireError,
  wireFailure,
  wirePlan,
} from './mapping.ts';
import { type Calling, type Visitor, withoutToken } from './visitor.ts';

/** Reads the arguments at the reader, which stands behind the header. */
export type Handler = (header: MessageHeader, reader: WireReader, visitor: Visitor) => Call;

/** Serves forsun's methods from the plans. */
export function createHandler(
  plans: PlanService,
  info: () => ReadonlyMap<string, string>,
  onInternalError: OnInternalError,
): Handler {
  const { ping, create, createTimeout, remove, get, getCurrent, getTime, getKeys } = forsunService;
  const { forsun_call, getFailures, auth, listKeys, restore } = forsunService;

  const methods: Record<MethodName, Serve> = {
    // Whoever is served may ask whether it answers: it is what health checks do, which have no token.
    ping: serve(ping, 'read', [], askingNothing, async () => ({ success: 0 })),
    create: servePlan(create, 'change', 'second', making, (args) =>
      plans.create(calendarRequest(args)),
    ),
    createTimeout: servePlan(createTimeout, 'change', 'second', making, (args) =>
      plans.create(intervalRequest(args)),
    ),
    remove: servePlan(remove, 'change', 'key', removing, ({ key = '' }) => plans.remove(key)),
    get: servePlan(get, 'read', 'key', reading, ({ key = '' }) => plans.get(key)),
    getCurrent: serve(getCurrent, 'list', [], listingAll, async (_args, caller) =>
      wirePlans(caller, await plans.current()),
    ),
    getTime: serve(getTime, 'list', [], listingAll, async ({ timestamp }, caller) =>
      wirePlans(caller, timestamp === undefined ? [] : await plans.dueAt(unixSeconds(timestamp))),
    ),
    getKeys: serve(getKeys, 'list', ['prefix'], listing, async ({ prefix = '' }) => ({
      success: await plans.keys(literalPrefix(prefix)),
    })),
    forsun_call: serve(forsun_call, 'read', [], looking, async () => {
      throw badArgument('forsun_call is what this server calls on targets; it does not serve it');
    }),
    info: serve(forsunService.info, 'read', [], looking, async () => ({ success: info() })),
    getFailures: serve(getFailures, 'list', ['prefix'], listing, async (args) => {
      const { items } = await plans.failures(literalPrefix(args.prefix ?? ''), args.limit);
      return { success: items.map(wireFailure) };
    }),
    auth: bind({
      method: auth,
      kind: 'read',
      required: ['token'],
      wish: askingNothing,
      // At once, not behind an await: calls that follow are made by whom it names.
      run: async ({ token = '' }, _caller, visitor) => ({
        success: visitor.authenticate(token).name,
      }),
      refused: (error) => ({ err: wireError(error) }),
    }),
    listKeys: bind({
      method: listKeys,
      kind: 'list',
      required: ['prefix'],
      wish: ({ prefix = '' }) => ({ role: 'read', prefix }),
      run: async ({ prefix = '', after, limit }) => ({
        success: (await plans.keysAfter(prefix, after === '' ? undefined : after, limit)).items,
      }),
      refused: (error) => ({ err: wireError(error) }),
    }),
    restore: servePlan(
      restore,
      'change',
      'plan',
      ({ plan }) => making({ key: plan?.key, action: plan?.action ?? '' }),
      ({ plan, only_if_absent: onlyIfAbsent }) =>
        plans.restore(restoreRequest(plan), { onlyIfAbsent }),
    ),
  };
  const methodByName = new Map(Object.entries(methods));
  return (named, reader, visitor) => {
    const { token, header } = withoutToken(named);
    const method = methodByName.get(header.name);
    return method?.(header, reader, { visitor, token }) ?? unknownMethod(header);
  };

  function serve<A extends Fields, R extends Fields>(
    method: Method<A, R>,
    kind: CallKind,
    required: readonly (keyof A & string)[],
    wish: Served<A, R>['wish'],
    run: Served<A, R>['run'],
  ): Serve {
    return bind({ method, kind, required, wish, run });
  }

  function servePlan<A extends Fields>(
    method: PlanMethod<A>,
    kind: CallKind,
    required: keyof A & string,
    wish: (args: StructValue<A>) => Wish,
    run: (args: StructValue<A>) => Promise<Plan>,
  ): Serve {
    return bind({
      ...{ method, kind, wish },
      required: [required],
      run: async (args, caller) => ({ success: wirePlan(shownTo(caller, await run(args))) }),
      refused: (error) => ({ err: wireError(error) }),
    });
  }

  function bind<A extends Fields, R extends Fields>(served: Served<A, R>): Serve {
    return (header, reader, calling) => readCall(served, header, reader, calling, onInternalError);
  }
}

type Serve = (header: MessageHeader, reader: WireReader, calling: Calling) => Call;

interface KeyArgs {
  readonly key: string | undefined;
}

const askingNothing = (): undefined => undefined;
const looking = (): Wish => ({ role: 'read' });
const reading = ({ key = '' }: KeyArgs): Wish => ({ role: 'read', key });
const removing = ({ key = '' }: KeyArgs): Wish => ({ role: 'write', key });
const making = ({ key = '', action }: KeyArgs & { readonly action: string }): Wish => ({
  role: 'write',
  key,
  action,
});
const listingAll = (): Wish => ({ role: 'read', prefix: '' });
const listing = ({ prefix = '' }: { readonly prefix: string | undefined }): Wish => ({
  role: 'read',
  prefix: literalPrefix(prefix),
});

const wirePlans = (caller: Caller, plans: readonly Plan[]) => ({
  success: plans.map((plan) => wirePlan(shownTo(caller, plan))),
});
