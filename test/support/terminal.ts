import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** Keys as a terminal sends them. */
export const keys = { enter: '\r', tab: '\t', up: '\x1b[A', ctrlC: '\x03', ctrlD: '\x04' } as const;

/** A command in a terminal of its own, made by script(1) of util-linux. */
export class Terminal {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown[]>;
  #seen = '';

  constructor(command: string, env: NodeJS.ProcessEnv) {
    this.#child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
      env: { PATH: process.env['PATH'], TERM: 'xterm', ...env },
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#seen += text));
    this.#closed = once(this.#child, 'close');
  }

  type(...texts: readonly string[]): void {
    this.#child.stdin?.write(texts.join(''));
  }

  /** What has been shown since the last wait, up to and with this text; fails when it does not come. */
  async until(text: string): Promise<string> {
    for (const deadline = performance.now() + 10_000; performance.now() < deadline;) {
      const at = this.#seen.indexOf(text);
      if (at >= 0) {
        const shown = this.#seen.slice(0, at + text.length);
        this.#seen = this.#seen.slice(at + text.length);
        return shown;
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(
      `the terminal never showed ${JSON.stringify(text)}, but ${JSON.stringify(this.#seen)}`,
    );
  }

  /** The exit code, once the command has ended. */
  async exitCode(): Promise<unknown> {
    return (await this.#closed)[0];
  }

  async close(): Promise<void> {
    this.#child.kill('SIGKILL'); // gently, script(1) takes two seconds
    await this.#closed;
  }
}
