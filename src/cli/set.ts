import { parseSetArguments, setUsage } from '../grammar/set-line.ts';
import type { Command } from './command.ts';
import { writePlan } from './plan-output.ts';

export const setCommand: Command = {
  name: 'set',
  usage: setUsage,
  summary: 'make a plan, or replace the one with that key',
  async run(args, context) {
    const { kind, count, key, fields, action, params } = parseSetArguments(args);
    const request = { ...fields, key, action, params };
    const plan =
      kind === 'interval'
        ? await context.client.createTimeout({ ...request, count })
        : await context.client.create(request);
    await writePlan(plan, context);
  },
};
