import { badArgument } from '../../core/errors.ts';
import type { Plan } from '../../core/plan.ts';
import { unixSeconds } from '../../core/time.ts';
import type { PlanService } from '../../scheduler/plan-service.ts';
import { forsunService, type MethodName, type PlanMethod } from '../../wire/forsun.ts';
import type { Method } from '../../wire/messages.ts';
import type { MessageHeader, WireReader } from '../../wire/protocol.ts';
import type { Fields, StructDraft, StructValue } from '../../wire/schema.ts';
import {
  type Call,
  type CallKind,
  type OnInternalError,
  readCall,
  type Served,
  unknownMethod,
} from './call.ts';
import { everybody } from '../access/caller.ts';
import { shownTo } from '../access/shown.ts';
import {
  calendarRequest,
  intervalRequest,
  literalPrefix,
  wireError,
  wireFailure,
  wirePlan,
} from './mapping.ts';

/** Reads the arguments at the reader, which stands behind the header. */
export type Handler = (header: MessageHeader, reader: WireReader) => Call;

/** Serves forsun's methods from the plans. */
export function createHandler(
  plans: PlanService,
  info: () => ReadonlyMap<string, string>,
  onInternalError: OnInternalError,
): Handler {
  const { ping, create, createTimeout, remove, get, getCurrent, getTime, getKeys } = forsunService;
  const { forsun_call, getFailures } = forsunService;

  const methods: Record<MethodName, Handler> = {
    ping: serve(ping, 'read', [], async () => ({ success: 0 })),
    create: servePlan(create, 'change', 'second', (args) => plans.create(calendarRequest(args))),
    createTimeout: servePlan(createTimeout, 'change', 'second', (args) =>
      plans.create(intervalRequest(args)),
    ),
    remove: servePlan(remove, 'change', 'key', ({ key = '' }) => plans.remove(key)),
    get: servePlan(get, 'read', 'key', ({ key = '' }) => plans.get(key)),
    getCurrent: serve(getCurrent, 'list', [], async () => wirePlans(await plans.current())),
    getTime: serve(getTime, 'list', [], async ({ timestamp }) =>
      wirePlans(timestamp === undefined ? [] : await plans.dueAt(unixSeconds(timestamp))),
    ),
    getKeys: serve(getKeys, 'list', ['prefix'], async ({ prefix = '' }) => ({
      success: await plans.keys(literalPrefix(prefix)),
    })),
    forsun_call: serve(forsun_call, 'read', [], async () => {
      throw badArgument('forsun_call is what this server calls on targets; it does not serve it');
    }),
    info: serve(forsunService.info, 'read', [], async () => ({ success: info() })),
    getFailures: serve(getFailures, 'list', ['prefix'], async ({ prefix = '', limit }) => {
      const failures = await plans.failures(literalPrefix(prefix), limit);
      return { success: failures.map(wireFailure) };
    }),
  };
  const methodByName = new Map(Object.entries(methods));
  return (header, reader) =>
    methodByName.get(header.name)?.(header, reader) ?? unknownMethod(header);

  function serve<A extends Fields, R extends Fields>(
    method: Method<A, R>,
    kind: CallKind,
    required: readonly (keyof A & string)[],
    run: (args: StructValue<A>) => Promise<StructDraft<R>>,
  ): Handler {
    return bind({ method, kind, required, run });
  }

  function servePlan<A extends Fields>(
    method: PlanMethod<A>,
    kind: CallKind,
    required: keyof A & string,
    run: (args: StructValue<A>) => Promise<Plan>,
  ): Handler {
    return bind({
      method,
      kind,
      required: [required],
      run: async (args) => ({ success: wirePlan(shownTo(everybody, await run(args))) }),
      refused: (error) => ({ err: wireError(error) }),
    });
  }

  function bind<A extends Fields, R extends Fields>(served: Served<A, R>): Handler {
    return (header, reader) => readCall(served, header, reader, onInternalError);
  }
}

const wirePlans = (plans: readonly Plan[]) => ({
  success: plans.map((plan) => wirePlan(shownTo(everybody, plan))),
});
