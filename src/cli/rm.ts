import { quote } from '../core/errors.ts';
import { UsageError, type Command, type CommandContext } from './command.ts';
import { callsAhead, inOrder } from './in-order.ts';
import { interruptible } from './interruptible.ts';
import { ifAny, listedKeys } from './listed-plans.ts';
import { flaggedArguments, ownFlags } from './own-flags.ts';
import { writePlan } from './plan-output.ts';
import { countedPlans, grouped, Progress } from './progress.ts';

const { prefix: prefixFlag, yes } = ownFlags;
const usage = 'KEY | --prefix P [--yes]';

export const rmCommand: Command = {
  name: 'rm',
  usage,
  flags: [prefixFlag, yes],
  summary: 'remove a plan, or all whose keys begin with P',
  async run(args, context) {
    const expected = { from: 0, to: 1, usage: 'rm KEY, or rm --prefix P [--yes]' };
    const { words, flag } = flaggedArguments(args, this, expected);
    const [key] = words;
    const prefix = flag(prefixFlag);
    if ((key === undefined) === (prefix === undefined)) {
      throw new UsageError(`expected ${expected.usage}`);
    }
    if (key !== undefined) await removeOne(key, context);
    else if (prefix !== undefined) await removeAll(prefix, flag(yes) !== undefined, context);
  },
};

async function removeOne(key: string, context: CommandContext): Promise<void> {
  const plan = await context.client.remove(key);
  if (context.json) await writePlan(plan, context);
  else await context.output.write('success\n');
}

async function removeAll(prefix: string, isSure: boolean, context: CommandContext): Promise<void> {
  const { client, output, json } = context;
  if (!isSure) await makeSure(prefix, context);
  const removed = new Progress('plans removed', context);
  try {
    await interruptible(async (signal) => {
      signal.addEventListener('abort', () => client.close());
      const keys = listedKeys(client, { prefix });
      for await (const plan of inOrder(keys, callsAhead, (key) => ifAny(client.remove(key)))) {
        if (plan !== undefined) await removed.add();
      }
    });
  } finally {
    await removed.end();
    const text = json
      ? JSON.stringify({ removed: removed.count })
      : `removed ${countedPlans(removed.count)}`;
    await output.write(`${text}\n`);
  }
}

/** Asks the person; refuses when there is none to ask, or the answer is no. */
async function makeSure(prefix: string, { client, ask }: CommandContext): Promise<void> {
  if (ask === undefined) throw new UsageError('rm --prefix removes many plans: it takes --yes');
  let count = 0;
  for await (const _key of listedKeys(client, { prefix })) if (++count > mostCounted) break;
  const many =
    count > mostCounted ? `more than ${grouped(mostCounted)} plans` : countedPlans(count);
  const which = prefix === '' ? '' : ` whose keys begin with ${quote(prefix)}`;
  if (!(await ask(`remove ${many}${which}?`))) throw new UsageError('nothing was removed');
}

/** To ask is not to take long. */
const mostCounted = 100_000;
