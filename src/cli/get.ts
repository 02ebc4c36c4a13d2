import { onlyText } from './arguments.ts';
import type { Command } from './command.ts';
import { writePlan } from './plan-output.ts';

export const getCommand: Command = {
  name: 'get',
  usage: 'KEY',
  summary: 'show a plan',
  async run(args, context) {
    await writePlan(await context.client.get(onlyText(args, 'get KEY')), context);
  },
};
