import { forsunVersion } from '../runtime/version.ts';
import { textsOf } from './arguments.ts';
import type { Command } from './command.ts';
import { jsonText } from './output.ts';

/** This command's own version; the server's is in info. */
export const versionCommand: Command = {
  name: 'version',
  usage: '',
  summary: "show this command's version",
  async run(args, { output, json }) {
    textsOf(args, { from: 0, to: 0, usage: 'version without arguments' });
    const version = forsunVersion();
    await output.write(json ? `${jsonText({ version })}\n` : `${version}\n`);
  },
};
