import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';

export const forsunFile = fileURLToPath(new URL('../../bin/forsun', import.meta.url));

export interface Result {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

/** The built `forsun` command as a process of its own, in UTC, until it ends. */
export async function runForsun(
  args: readonly string[],
  {
    input = '',
    env = {},
    under = [process.execPath, forsunFile],
  }: {
    readonly input?: string;
    readonly env?: NodeJS.ProcessEnv;
    /** The command's first words. */
    readonly under?: readonly string[];
  } = {},
): Promise<Result> {
  const child = spawn(under[0] ?? '', [...under.slice(1), ...args], {
    env: { PATH: process.env['PATH'], HOME: tmpdir(), TZ: 'UTC', ...env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { stdout, stderr, code };
}
