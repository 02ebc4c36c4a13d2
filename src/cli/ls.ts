import type { Plan } from '../client/plan.ts';
import { formatWord } from '../grammar/quoting.ts';
import type { Command, CommandContext } from './command.ts';
import { listedPlans } from './listed-plans.ts';
import { printable } from './output.ts';
import { flaggedArguments, limitOf, ownFlags } from './own-flags.ts';
import { writePlans } from './plan-output.ts';

const { limit, after } = ownFlags;
const usage = '[PREFIX] [--limit N] [--after KEY]';

export const lsCommand: Command = {
  name: 'ls',
  usage,
  flags: [limit, after],
  summary: 'show the plans whose keys begin with PREFIX, or all (*)',
  async run(args, context) {
    const { words, flag } = flaggedArguments(args, this, { from: 0, to: 1, usage: `ls ${usage}` });
    const [prefix = ''] = words;
    const range = { prefix: withoutStars(prefix), after: flag(after) };
    const text = flag(limit);
    const most = text === undefined ? Infinity : limitOf(text, Number.MAX_SAFE_INTEGER);
    const plans = new Few(listedPlans(context.client, range, most + 1), most);
    await writePlans(plans, context);
    if (plans.goesOnBehind !== undefined) await tellMore(plans.goesOnBehind, context);
  },
};

/** As getKeys of forsun reads it: blanks and stars at the end mean "any". */
const withoutStars = (prefix: string): string => prefix.replace(/[* \t\n\r]+$/, '');

/** At most so many of the plans. */
class Few {
  readonly #plans: AsyncIterable<Plan>;
  readonly #most: number;
  /** The key of the last one, once all were read and more follow. */
  goesOnBehind: string | undefined;

  constructor(plans: AsyncIterable<Plan>, most: number) {
    this.#plans = plans;
    this.#most = most;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Plan> {
    let count = 0;
    let last: string | undefined;
    for await (const plan of this.#plans) {
      if (count === this.#most) {
        this.goesOnBehind = last;
        return;
      }
      yield plan;
      count++;
      last = plan.key;
    }
  }
}

/** On standard error: what is shown stays nothing but plans. */
async function tellMore(key: string, { notes, json }: CommandContext): Promise<void> {
  if (json) return;
  const text = `more follow: --after ${printable(formatWord(key))}`;
  await notes.write(`${notes.paint('faint', text)}\n`);
}
