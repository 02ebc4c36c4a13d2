import { type ChildProcess, spawn } from 'node:child_process';

import type { Clock } from '../core/time.ts';
import { CapturedOutput } from './captured-output.ts';

export interface GroupOptions {
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Bytes kept of each of stdout and stderr. */
  readonly maxOutputBytes: number;
  /** Time between SIGTERM and SIGKILL. */
  readonly killGraceMs: number;
}

/** How the leader ended; no code and no signal: not even SIGKILL ended it, it hangs in the kernel. */
export interface GroupEnd {
  readonly wasStopped: boolean;
  readonly exitCode?: number;
  readonly signal?: NodeJS.Signals;
}

/** How often a group that was told to stop is looked at. */
const LOOK_MS = 50;
/** How long output that was already written may take to be read once the leader is gone. */
const LAST_OUTPUT_MS = 100;
/** How long a killed leader may take to be gone. */
const KILLED_MS = 1_000;

/**
 * A command as the leader of a process group of its own, stdin /dev/null.
 *
 *   running ──the leader exits──▶ ended; what it left in the background goes on, as with cron
 *      └──stop()──▶ SIGTERM to all ──grace──▶ SIGKILL to who is left ──▶ ended
 *
 * What was left in the background is still read from and dropped, until closeOutput(): so it neither
 * blocks on a full pipe nor dies of a closed one.
 */
export class ProcessGroup {
  readonly stdout: CapturedOutput;
  readonly stderr: CapturedOutput;
  /** Resolves when nobody holds stdout and stderr any more. */
  readonly outputEnd: Promise<void>;
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  readonly #killGraceMs: number;
  readonly #exit: Promise<GroupEnd>;
  #hasExited = false;
  #hasOutputEnded = false;

  private constructor(child: ChildProcess, clock: Clock, options: GroupOptions) {
    if (child.stdout === null || child.stderr === null) throw new TypeError('no pipes');
    this.#child = child;
    this.#clock = clock;
    this.#killGraceMs = options.killGraceMs;
    this.stdout = new CapturedOutput(child.stdout, options.maxOutputBytes);
    this.stderr = new CapturedOutput(child.stderr, options.maxOutputBytes);
    this.#exit = new Promise((resolve) => {
      child.once('exit', (exitCode, signal) => {
        this.#hasExited = true;
        resolve({
          wasStopped: false,
          ...(exitCode === null ? {} : { exitCode }),
          ...(signal === null ? {} : { signal }),
        });
      });
    });
    this.outputEnd = new Promise((resolve) => {
      child.once('close', () => {
        this.#hasOutputEnded = true;
        resolve();
      });
    });
  }

  /** Resolves once the command runs; rejects with the system's error when it cannot be started. */
  static start(
    file: string,
    args: readonly string[],
    clock: Clock,
    options: GroupOptions,
  ): Promise<ProcessGroup> {
    return new Promise((resolve, reject) => {
      const child = spawn(file, args, {
        cwd: options.cwd,
        env: options.environment,
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      child.on('error', reject);
      if (child.pid === undefined) return; // 'error' follows
      // Made at once: the command may write and exit before anybody looks.
      const group = new ProcessGroup(child, clock, options);
      child.once('spawn', () => {
        resolve(group);
      });
    });
  }

  /** Resolves once the group has ended as drawn above. Never rejects, and waits for no pipe. */
  async ended(signal: AbortSignal): Promise<GroupEnd> {
    let stop: () => void = () => undefined;
    const stopped = new Promise<GroupEnd>((resolve) => {
      stop = () => {
        resolve(this.#stop());
      };
    });
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop);
    const exit = await Promise.race([this.#exit, stopped]);
    const end = signal.aborted ? { ...(await stopped), wasStopped: true } : exit;
    signal.removeEventListener('abort', stop);
    await Promise.race([this.outputEnd, this.#pause(LAST_OUTPUT_MS)]);
    return end;
  }

  /** True while a process that was left in the background holds stdout or stderr. */
  get holdsOutput(): boolean {
    return !this.#hasOutputEnded;
  }

  /** SIGKILL to the whole group, at once; only before ended() has resolved. */
  kill(): void {
    this.#signal('SIGKILL');
  }

  closeOutput(): void {
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }

  async #stop(): Promise<GroupEnd> {
    this.#signal('SIGTERM');
    this.#signal('SIGCONT'); // a suspended process acts on SIGTERM only then
    const graceEnd = this.#clock.monotonicMs() + this.#killGraceMs;
    while (this.#isAlive()) {
      const leftMs = graceEnd - this.#clock.monotonicMs();
      if (leftMs <= 0) break;
      const look = this.#pause(Math.min(LOOK_MS, leftMs));
      await (this.#hasExited ? look : Promise.race([this.#exit, look]));
    }
    if (this.#isAlive()) this.kill();
    const hangs = this.#pause(KILLED_MS).then(() => ({ wasStopped: true }));
    return Promise.race([this.#exit, hangs]);
  }

  /** True while anyone of the group lives, its leader or what that started. */
  #isAlive(): boolean {
    return !this.#hasExited || this.#signal(0);
  }

  /** False when nobody is there to get it. */
  #signal(signal: NodeJS.Signals | 0): boolean {
    if (this.#child.pid === undefined) return false;
    try {
      return process.kill(-this.#child.pid, signal);
    } catch {
      // ESRCH: all are gone. EPERM: who is left changed its user and is not ours to signal.
      return false;
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.after(ms, resolve);
    });
  }
}
