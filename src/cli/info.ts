import { textsOf } from './arguments.ts';
import type { Command } from './command.ts';
import { jsonText, printable } from './output.ts';

export const infoCommand: Command = {
  name: 'info',
  usage: '',
  summary: 'show what the server says about itself',
  async run(args, { client, output, json }) {
    textsOf(args, { from: 0, to: 0, usage: 'info without arguments' });
    const info = await client.info();
    if (json) {
      await output.write(`${jsonText(Object.fromEntries(info))}\n`);
      return;
    }
    for (const [name, value] of info) {
      await output.write(`${printable(name)}:\t${printable(value)}\n`);
    }
  },
};
