import { resolve } from 'node:path';

import { z } from 'zod';

import type { Log } from '../core/log.ts';
import type { Params } from '../core/plan.ts';
import type { Clock } from '../core/time.ts';
import type { Action, Outcome, Run } from './action.ts';
import { paramFacts, readParams, text } from './param-schema.ts';
import { type GroupEnd, ProcessGroup } from './process-group.ts';
import {
  envFacts,
  environmentOf,
  fitsAnArgument,
  parseEnvironment,
  type Variables,
  withoutValues,
} from './shell-environment.ts';

export interface ShellSettings {
  /** Where commands run unless their plan says otherwise. */
  readonly cwd: string;
  readonly timeoutSeconds: number;
  /** Seconds between SIGTERM and SIGKILL when a run is cut. */
  readonly killGraceSeconds: number;
  /** Bytes kept, and logged at debug, of each of stdout and stderr. */
  readonly maxOutputBytes: number;
  /** Runs of one plan at once. */
  readonly maxRunsPerPlan: number;
}

export const shellDefaults: ShellSettings = {
  cwd: '/tmp',
  timeoutSeconds: 300,
  killGraceSeconds: 5,
  maxOutputBytes: 64 * 1024,
  maxRunsPerPlan: 10,
};

export interface ShellDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** The server's own environment. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** What a command sees of the server's environment. */
const INHERITED = ['PATH', 'HOME', 'LANG', 'TZ', 'USER'];

/** Ended runs whose background processes are still read from; beyond that the oldest is cut off. */
const MAX_LEFT_BEHIND = 64;

export const shellParams = z.object({
  cmd: text.refine(fitsAnArgument).register(paramFacts, {
    expected: 'a command for /bin/sh, without NUL, 128 KiB at most',
    isSecret: true,
  }),
  cwd: text
    .optional()
    .register(paramFacts, { expected: 'the directory to run in; default: a setting' }),
  env: text.optional().register(paramFacts, envFacts),
});

/**
 * Runs `cmd` by /bin/sh. Exit code 0 is done; any other, or an end by a signal, failed. What the command
 * left in the background when its shell exits is the user's own and goes on; at the deadline all goes.
 */
export function shellAction(settings: ShellSettings, deps: ShellDeps): Action {
  const running = new Set<ProcessGroup>();
  const leftBehind = new Set<ProcessGroup>();
  let isClosed = false;
  const hasClosed = (): boolean => isClosed; // it changes while a run awaits its start
  const inherited = Object.fromEntries(
    INHERITED.flatMap((name) => {
      const value = deps.environment[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );

  const runCommand = async (command: Command, run: Run): Promise<Outcome> => {
    if (run.signal.aborted || hasClosed()) return stopped;
    let group: ProcessGroup;
    try {
      group = await ProcessGroup.start('/bin/sh', ['-c', command.cmd], deps.clock, {
        cwd: command.cwd,
        environment: { ...inherited, ...command.env, ...environmentOf(run) },
        maxOutputBytes: settings.maxOutputBytes,
        killGraceMs: settings.killGraceSeconds * 1000,
      });
    } catch (error) {
      return notStarted(error);
    }
    running.add(group);
    if (hasClosed()) group.kill();
    const end = await group.ended(run.signal);
    running.delete(group);
    if (group.holdsOutput) leaveBehind(group);
    logEnd(deps.log, run, command, group, end);
    return outcomeOf(end);
  };

  const killRunning = (): void => {
    for (const group of running) group.kill();
  };
  // The process may end without close(): by a second signal, or by a bug. What ran runs again at the next
  // start, and must not run beside itself.
  process.on('exit', killRunning);

  const leaveBehind = (group: ProcessGroup): void => {
    leftBehind.add(group);
    void group.outputEnd.then(() => leftBehind.delete(group));
    const [oldest] = leftBehind;
    if (oldest === undefined || leftBehind.size <= MAX_LEFT_BEHIND) return;
    leftBehind.delete(oldest);
    oldest.closeOutput();
    deps.log.warn('shell_background_output_closed', { limit: MAX_LEFT_BEHIND });
  };

  return {
    name: 'shell',
    maxRunsPerOrigin: settings.maxRunsPerPlan,
    timeoutSeconds: settings.timeoutSeconds,
    retriesDeadline: false,
    verbatimParams: ['cmd'],
    prepare(params) {
      const command = commandOf(params, settings.cwd);
      return { run: (run) => runCommand(command, run) };
    },
    async close() {
      isClosed = true;
      process.off('exit', killRunning);
      killRunning();
      for (const group of leftBehind) group.closeOutput();
    },
  };
}

interface Command {
  readonly cmd: string;
  readonly cwd: string;
  readonly env: Variables;
}

function commandOf(params: Params, defaultCwd: string): Command {
  const { cmd, cwd, env } = readParams('shell', shellParams, params);
  return {
    cmd,
    cwd: cwd === undefined ? defaultCwd : resolve(defaultCwd, cwd),
    env: env === undefined ? {} : parseEnvironment(env),
  };
}

function notStarted(error: unknown): Outcome {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  switch (code) {
    case 'EAGAIN':
    case 'ENOMEM':
    case 'EMFILE':
    case 'ENFILE':
      return { kind: 'retry', reason: `the system has no room for a process (${code})` };
    case 'ENOENT':
    case 'ENOTDIR':
    case 'EACCES':
    case 'ELOOP':
    case 'ENAMETOOLONG':
      return { kind: 'failed', reason: `the working directory cannot be entered (${code})` };
    default:
      return { kind: 'failed', reason: `the command cannot be started (${code})` };
  }
}

const stopped: Outcome = { kind: 'failed', reason: 'stopped before it had ended' };

function outcomeOf(end: GroupEnd): Outcome {
  if (end.wasStopped) return stopped;
  if (end.exitCode === 0) return { kind: 'done' };
  return {
    kind: 'failed',
    reason: end.signal === undefined ? `exit code ${end.exitCode}` : `ended by ${end.signal}`,
  };
}

function logEnd(log: Log, run: Run, { env }: Command, group: ProcessGroup, end: GroupEnd): void {
  log.debug('shell_ended', {
    key: run.key,
    fire_id: run.fireId,
    attempt: run.attempt,
    exit_code: end.exitCode,
    signal: end.signal,
    stdout_bytes: group.stdout.totalBytes,
    stderr_bytes: group.stderr.totalBytes,
    stdout: withoutValues(env, group.stdout.text()),
    stderr: withoutValues(env, group.stderr.text()),
  });
}
