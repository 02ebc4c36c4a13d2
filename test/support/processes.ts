import { execFileSync } from 'node:child_process';

interface Process {
  readonly parent: number;
  readonly state: string;
  readonly command: string;
}

function allProcesses(): readonly Process[] {
  const lines = execFileSync('ps', ['-eo', 'ppid=,stat=,args='], { encoding: 'utf8' }).split('\n');
  return lines.flatMap((line) => {
    const [, parent, state, command] = /^ *(\d+) +(\S+) +(.*)$/.exec(line) ?? [];
    if (parent === undefined || state === undefined || command === undefined) return [];
    return [{ parent: Number(parent), state, command }];
  });
}

const isZombie = ({ state }: Process): boolean => state.startsWith('Z');

/** Command lines of live processes that hold the text. */
export const processes = (text: string): readonly string[] =>
  allProcesses()
    .filter((process) => process.command.includes(text) && !isZombie(process))
    .map(({ command }) => command);

/** Command lines of the children of a process, those too that have ended and nobody has waited for. */
export const childrenOf = (pid: number): readonly string[] =>
  allProcesses()
    .filter(({ parent, command }) => parent === pid && !command.startsWith('ps -eo'))
    .map(({ command }) => command);

/** Children that have ended and nobody has waited for. */
export const zombiesOf = (pid: number): readonly string[] =>
  allProcesses()
    .filter((process) => process.parent === pid && isZombie(process))
    .map(({ command }) => command);
