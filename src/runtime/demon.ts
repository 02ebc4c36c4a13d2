import { spawn } from 'node:child_process';

/** What a detached server tells the process that started it, once. */
export type DemonNews =
  | { readonly kind: 'listening' }
  | { readonly kind: 'failed'; readonly message: string; readonly exitCode: number };

export type DemonStart =
  | { readonly kind: 'started'; readonly pid: number }
  | { readonly kind: 'failed'; readonly message: string; readonly exitCode: number };

const mark = 'FORSUN_DEMON_CHILD';

/** True in the process that startDemon made. */
export const isDemon = (): boolean => process.env[mark] !== undefined && process.send !== undefined;

/**
 * Starts this very command again, detached: a session of its own, no terminal, nothing inherited but the
 * environment. Resolves when it listens or has failed; until then a stop signal to us ends it too.
 */
export function startDemon(): Promise<DemonStart> {
  const [node, ...args] = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const child = spawn(node, args, {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { ...process.env, [mark]: '1' },
  });
  const stop = (signal: NodeJS.Signals): void => void child.kill(signal);
  process.on('SIGINT', stop).on('SIGTERM', stop);
  return new Promise<DemonStart>((resolve) => {
    const failed = (message: string, exitCode = 1): void =>
      resolve({ kind: 'failed', message, exitCode });
    child.once('message', (news: DemonNews) => {
      if (news.kind === 'failed') failed(news.message, news.exitCode);
      else if (child.pid !== undefined) resolve({ kind: 'started', pid: child.pid });
    });
    child.once('error', (error) => failed(`it could not be started: ${error.message}`));
    child.once('exit', (code, signal) =>
      failed(`it ended before it listened (${signal ?? `exit code ${String(code)}`})`),
    );
  }).finally(() => {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    if (child.connected) child.disconnect();
    child.unref();
  });
}

/** Tells the starter how it went and lets go of it; it may be gone by now. */
export async function tellStarter(news: DemonNews): Promise<void> {
  await new Promise<void>((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(news, () => resolve());
  });
  if (process.connected) process.disconnect();
}
