import { textsOf } from './arguments.ts';
import type { Command } from './command.ts';
import { writePlans } from './plan-output.ts';

export const currentCommand: Command = {
  name: 'current',
  usage: '',
  summary: 'show the plans that run, are queued, or fall due this second',
  async run(args, context) {
    textsOf(args, { from: 0, to: 0, usage: 'current without arguments' });
    await writePlans(await context.client.getCurrent(), context);
  },
};
