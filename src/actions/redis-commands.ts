import { tokenize, tokenText } from '../grammar/tokens.ts';

/** One command as it is sent; its name in capitals. */
export interface RedisCommand {
  readonly name: string;
  readonly args: readonly string[];
}

/** What a plan may not ask for; its message ends the sentence "expected …". */
export class UnfitCommands extends Error {
  override readonly name = 'UnfitCommands';
}

/** Commands of one plan. */
const MAX_COMMANDS = 1_000;

/** Those that get no reply, or more than one, or change how replies are written. */
const notAnsweredOnce = new Set(
  (
    'SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE ' +
    'MONITOR SYNC PSYNC REPLCONF SHUTDOWN QUIT HELLO'
  ).split(' '),
);

/** Those after which a connection is not what its identity says. */
const changesConnection = new Set(
  'AUTH SELECT CLIENT ASKING READONLY READWRITE RESET SCRIPT'.split(' '),
);

/** Commands separated by `;`, under the command line's quoting rules; UnfitCommands if there are none to send. */
export function readRedisCommands(text: string): readonly RedisCommand[] {
  const commands = tokenize(text, { pairs: false }).map((tokens) => {
    const [name = '', ...args] = tokens.map(tokenText);
    return { name: name.toUpperCase(), args };
  });
  if (commands.length === 0 || commands.length > MAX_COMMANDS) {
    throw new UnfitCommands(`1 to ${MAX_COMMANDS} commands, separated by ";"`);
  }
  for (const [index, command] of commands.entries()) check(command, index + 1);
  return commands;
}

function check({ name, args }: RedisCommand, number: number): void {
  if (!/^[A-Z_][A-Z0-9_.-]{0,63}$/.test(name)) {
    throw new UnfitCommands(`the name of a command first in command ${number}`);
  }
  const isReplySwitch = name === 'CLIENT' && args[0]?.toUpperCase() === 'REPLY';
  if (notAnsweredOnce.has(name) || isReplySwitch) {
    const shown = isReplySwitch ? 'CLIENT REPLY' : name;
    throw new UnfitCommands(`commands that are answered once, as ${shown} is not`);
  }
}

/** Whether a connection is as it was before, once all of them have succeeded. */
export function leaveNoTrace(commands: readonly RedisCommand[]): boolean {
  const last = (names: readonly string[]): number =>
    commands.findLastIndex(({ name }) => names.includes(name));
  const isOutsideTransaction = last(['MULTI', 'WATCH']) <= last(['EXEC', 'DISCARD']);
  return isOutsideTransaction && !commands.some(({ name }) => changesConnection.has(name));
}
