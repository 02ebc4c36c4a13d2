import { onlyText } from './arguments.ts';
import type { Command } from './command.ts';
import { writePlan } from './plan-output.ts';

export const rmCommand: Command = {
  name: 'rm',
  usage: 'KEY',
  summary: 'remove a plan',
  async run(args, context) {
    const plan = await context.client.remove(onlyText(args, 'rm KEY'));
    if (context.json) await writePlan(plan, context);
    else await context.output.write('success\n');
  },
};
