import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** What the tests need beside Node: a Debian package, and how to tell that it is there. */
const needs: readonly { readonly package: string; readonly isThere: () => boolean }[] = [
  { package: 'python3-thrift', isThere: () => runs('/usr/bin/python3', '-c', 'import thrift') },
  { package: 'thrift-compiler', isThere: () => runs('thrift', '--version') },
  { package: 'faketime', isThere: () => runs('faketime', '--version') },
  { package: 'strace', isThere: () => runs('strace', '-V') },
  { package: 'procps', isThere: () => runs('ps', '--version') },
];

/** Runs once before all tests: installs what is missing, or says in one line what to install. */
export default function setup(): void {
  const missing = needs.filter(({ isThere }) => !isThere()).map((need) => need.package);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    throw new Error(
      `the tests need ${missing.join(', ')}: apt-get install ${missing.join(' ')} (as root, this is done by itself)`,
    );
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  execFileSync('apt-get', ['-q', 'update'], { stdio: 'ignore', env });
  execFileSync('apt-get', ['-q', '-y', 'install', ...missing], { stdio: 'ignore', env });
  const still = needs.filter(({ isThere }) => !isThere()).map((need) => need.package);
  if (still.length > 0) throw new Error(`apt-get could not install ${still.join(', ')}`);
}

function runs(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
