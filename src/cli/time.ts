import { textsOf } from './arguments.ts';
import type { Command } from './command.ts';
import { parseTime } from './local-time.ts';
import { writePlans } from './plan-output.ts';

export const timeCommand: Command = {
  name: 'time',
  usage: "[SECONDS | 'YYYY-MM-DD HH:MM:SS']",
  summary: 'show the plans due next at that second, or now',
  async run(args, context) {
    // Two words: date and time as they stand in a plan's line, without quotes.
    const words = textsOf(args, { from: 0, to: 2, usage: "time ['YYYY-MM-DD HH:MM:SS']" });
    const second = words.length === 0 ? context.clock.now() : parseTime(words.join(' '));
    await writePlans(await context.client.getTime(second), context);
  },
};
