import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

import { mayNotMount } from './may-not-mount.ts';

/** What the tests need beside Node: a Debian package, and a use of it that fails when it is of none. */
interface Need {
  readonly package: string;
  readonly check: string;
  /** What to do when it is installed and fails. */
  readonly hint?: string;
}

const asRoot = 'as root, or set FORSUN_TEST_NO_MOUNT=1 to leave out what mounts';

const needs: readonly Need[] = [
  { package: 'python3-thrift', check: `/usr/bin/python3 -c 'import thrift'` },
  { package: 'thrift-compiler', check: 'thrift --version' },
  { package: 'postgresql', check: 'ls /usr/lib/postgresql/*/bin/initdb' },
  { package: 'faketime', check: `test "$(faketime 2020-02-03 date +%Y)" = 2020` },
  { package: 'strace', check: 'strace -qq -o /dev/null true' },
  { package: 'procps', check: 'ps -o pid= --ppid $$' },
  { package: 'redis-server', check: 'redis-server --version' },
  { package: 'beanstalkd', check: 'beanstalkd -v' },
  { package: 'mariadb-server', check: 'mariadbd --version' },
  { package: 'curl', check: 'curl --version' },
  { package: 'bsdutils', check: 'script --quiet --return --command true /dev/null' },
  ...(mayNotMount
    ? []
    : [
        {
          package: 'mount',
          check:
            'd=$(mktemp -d); mount -t tmpfs forsun-test $d && umount $d; s=$?; rmdir $d; exit $s',
          hint: asRoot,
        },
        {
          package: 'iproute2',
          check: 'n=forsun-test-$$; ip netns add $n && ip netns delete $n',
          hint: asRoot,
        },
      ]),
];

/** Their names. */
export const neededPackages = needs.map((need) => need.package);

/** Runs once before all tests: as root installs what is missing, else says in one line what to do. */
export default function setup(): void {
  const isMissing = needs.filter(fails).some((need) => !isInstalled(need));
  if (isMissing && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    install(needs.filter(fails));
  }
  const failing = needs.filter(fails);
  if (failing.length === 0) return;
  const error = new Error(`the tests need ${remediesOf(failing)}`);
  error.stack = ''; // where that was found out is of no use to the reader
  throw error;
}

function install(missing: readonly Need[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const names = missing.map((need) => need.package);
  for (const words of [['update'], ['-y', 'install', ...names]]) {
    execFileSync('apt-get', ['-q', ...words], { stdio: ['ignore', 'ignore', 'inherit'], env });
  }
}

function remediesOf(failing: readonly Need[]): string {
  const missing = failing.filter((need) => !isInstalled(need)).map((need) => need.package);
  const useless = failing.filter(isInstalled);
  return [
    ...(missing.length === 0
      ? []
      : [`apt-get install ${missing.join(' ')} (as root they do it themselves)`]),
    ...useless.map((need) => `${need.package} to work here: ${need.hint ?? complaintOf(need)}`),
  ].join('; ');
}

const run = (command: string) =>
  spawnSync('/bin/sh', ['-c', command], { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });

const fails = ({ check }: Need): boolean => run(check).status !== 0;

const complaintOf = ({ check }: Need): string => run(check).stderr.trim().split('\n')[0] ?? '';

const isInstalled = ({ package: name }: Need): boolean =>
  run(`test "$(dpkg-query -W -f '\${db:Status-Status}' ${name})" = installed`).status === 0;
