import { execFileSync } from 'node:child_process';

import { onTestFinished } from 'vitest';

import { forsunFile, type Result, runForsun } from './run-forsun.ts';

let made = 0;

/**
 * A host of a test's own, with loopback and one address beyond it that nothing outside can reach; gone with
 * its test. Whoever calls that address from inside comes from it. Needs root.
 */
export class NetNamespace {
  /** Of the networks that stand in examples and are nobody's (RFC 5737). */
  readonly address = '192.0.2.1';
  readonly #name = `forsun-test-${process.pid}-${made++}`;

  static make(): NetNamespace {
    const namespace = new NetNamespace();
    const name = namespace.#name;
    execFileSync('ip', ['netns', 'add', name]);
    onTestFinished(() => void execFileSync('ip', ['netns', 'delete', name]));
    execFileSync('ip', ['-n', name, 'address', 'add', `${namespace.address}/32`, 'dev', 'lo']);
    execFileSync('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
    return namespace;
  }

  /** What to put before a command that is to run inside. */
  get under(): readonly string[] {
    return ['ip', 'netns', 'exec', this.#name];
  }

  /** Runs the forsun command inside, against a server that listens there. */
  forsun(host: string, port: number, ...words: string[]): Promise<Result> {
    const args = ['--host', host, '--port', String(port), ...words];
    return runForsun(args, { under: [...this.under, process.execPath, forsunFile] });
  }
}
