import { textsOf } from './arguments.ts';
import { UsageError, type Command } from './command.ts';

/** The help of these commands and of itself. */
export function helpCommand(others: readonly Command[]): Command {
  const help: Command = {
    name: 'help',
    usage: '[COMMAND]',
    summary: 'show the commands, or more about one',
    async run(args, { output }) {
      const [name] = textsOf(args, { from: 0, to: 1, usage: 'help [COMMAND]' });
      await output.write(
        name === undefined ? list([...others, help]) : about(name, [...others, help]),
      );
    },
  };
  return help;
}

const list = (commands: readonly Command[]): string =>
  commands
    .map(({ name, usage, summary }) => {
      const call = `${name} ${usage}`.trimEnd();
      return call.length < COLUMN - 1
        ? `${call.padEnd(COLUMN)}${summary}\n`
        : `${call}\n${' '.repeat(COLUMN)}${summary}\n`;
    })
    .join('') + MORE;

const COLUMN = 20;

const MORE = '\nhelp set explains fields and params.\n';

function about(name: string, commands: readonly Command[]): string {
  const command = commands.find((known) => known.name === name);
  if (command === undefined) throw new UsageError(`no command is called "${name}"`);
  const more = name === 'set' ? SET_HELP : '';
  return `${`${name} ${command.usage}`.trimEnd()}\n  ${command.summary}\n${more}`;
}

const SET_HELP = `
A field is * or a number; */N or */N/COUNT makes an interval (COUNT 0: for ever, left out: once); a list,
range, step or name (0,30  9-17  mon-fri) makes all six fields a cron expression.

  set backup 0 30 3 * * * shell 'backup.sh /home'            every day at 03:30:00
  set order-17 * */30 * * * * http http://localhost/close     once, in 30 minutes
  set beat */5/0 * * * * * shell 'date >> /tmp/beat'          every 5 seconds, for ever
  set open 0 0,30 9-17 * * mon-fri http http://localhost/     every half hour of office days

PARAMS are name=value pairs: 'cmd=ls;cwd=/tmp', or  cmd='echo hi' cwd=/tmp. A value with blanks, ; or = needs
quotes. A bare text is the cmd of shell (also sh, bash) and the url of http.
`;
