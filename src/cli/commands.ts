import { suggestion } from '../config/nearest.ts';
import { tokenText, type Token } from '../grammar/tokens.ts';
import { UsageError, type Command, type CommandContext } from './command.ts';
import { currentCommand } from './current.ts';
import { exitCommand } from './exit.ts';
import { exportCommand } from './export.ts';
import { failuresCommand } from './failures.ts';
import { getCommand } from './get.ts';
import { helpCommand } from './help.ts';
import { importCommand } from './import.ts';
import { infoCommand } from './info.ts';
import { lsCommand } from './ls.ts';
import { rmCommand } from './rm.ts';
import { setCommand } from './set.ts';
import { timeCommand } from './time.ts';
import { versionCommand } from './version.ts';

const withoutHelp: readonly Command[] = [
  setCommand,
  getCommand,
  rmCommand,
  lsCommand,
  currentCommand,
  timeCommand,
  failuresCommand,
  exportCommand,
  importCommand,
  infoCommand,
  versionCommand,
  exitCommand,
];

export const commands: readonly Command[] = [...withoutHelp, helpCommand(withoutHelp)];

/** Runs a command as typed: its name and what stands behind. */
export async function runCommand(
  [name, ...args]: readonly Token[],
  context: CommandContext,
): Promise<void> {
  const typed = name === undefined ? '' : tokenText(name);
  const command = commands.find((known) => known.name === typed);
  if (command === undefined) {
    const names = commands.map((known) => known.name);
    const meant = suggestion(typed, names) || '; see help';
    throw new UsageError(`no command is called "${typed}"${meant}`);
  }
  await command.run(args, context);
}
