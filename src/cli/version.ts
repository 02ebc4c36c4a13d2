import { readFileSync } from 'node:fs';

import { textsOf } from './arguments.ts';
import type { Command } from './command.ts';

/** This command's own version; the server's is in info. */
export function ownVersion(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version;
}

export const versionCommand: Command = {
  name: 'version',
  usage: '',
  summary: "show this command's version",
  async run(args, { output, json }) {
    textsOf(args, { from: 0, to: 0, usage: 'version without arguments' });
    const version = ownVersion();
    await output.write(json ? `${JSON.stringify({ version })}\n` : `${version}\n`);
  },
};
