import { describe, expect, test } from 'vitest';

import { commandFlags } from '../../src/config/flags.ts';
import { type ForsundCommand, parseForsundArgs } from '../../src/config/forsund-command.ts';
import { allSettings } from '../../src/config/load.ts';

const files: Readonly<Record<string, string>> = {
  'forsun.conf': 'port = 1\n',
  'other.conf': 'port = 2\n',
};

const readFile = (path: string): string => {
  const text = files[path];
  if (text === undefined) throw new Error(`ENOENT: no such file or directory, open '${path}'`);
  return text;
};

const parse = (line: string, environment = {}): ForsundCommand =>
  parseForsundArgs(line.split(' ').filter(Boolean), environment, readFile);

const serve = (line: string, environment = {}): Extract<ForsundCommand, { kind: 'serve' }> => {
  const command = parse(line, environment);
  if (command.kind !== 'serve') throw new TypeError(`not to serve: ${command.kind}`);
  return command;
};

test('forsun’s own command lines start', () => {
  const line =
    '--bind=0.0.0.0 --http=0.0.0.0:9002 --port=6458 --log=/var/log/forsun.log --log-level=INFO --driver=mem ' +
    '--driver-mem-store-file=/var/lib/fousun/forsun.session --demon';
  const { config, demon } = serve(line);
  expect(demon).toBe(true);
  expect(config).toMatchObject({
    thrift: { bind: '0.0.0.0', port: 6458 },
    http: { bind: { host: '0.0.0.0', port: 9002 } },
    log: { file: '/var/log/forsun.log', level: 'info' },
    store: { driver: 'mem', directory: '/var/lib/fousun/forsun.session' },
  });
});

test('every setting has a flag, and help names every flag', () => {
  const help = parse('--help');
  if (help.kind !== 'help') throw new TypeError('no help');
  for (const { flag } of [...allSettings, ...commandFlags]) {
    expect(help.text).toMatch(new RegExp(`^ .*--${flag}\\b`, 'm'));
  }
  expect(Math.max(...help.text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
});

test('help and version are answered whatever else is wrong with the settings', () => {
  expect(parse('-h --port=abc').kind).toBe('help');
  expect(parse('--version', { FORSUN_PORT: 'abc' })).toEqual({ kind: 'version' });
});

describe('flags', () => {
  test('take their value after a blank or an equals sign; a dash alone is a value', () => {
    expect(serve('--port 7 --log -').config).toMatchObject({
      thrift: { port: 7 },
      log: { file: '-' },
    });
    expect(serve('--port=7 --log=-').config).toMatchObject({ thrift: { port: 7 } });
  });

  test('given twice, the last counts, but networks add up', () => {
    const { config } = serve('--port=1 --port=2 --trust-network 10.0.0.0/8 --trust-network=::1');
    expect(config.thrift.port).toBe(2);
    expect(config.access.trustNetworks).toEqual(['10.0.0.0/8', '::1/128']);
  });

  test('an empty value leaves the setting as it was, as with forsun', () => {
    expect(serve('--port= --http= --driver-redis-password=').config.thrift.port).toBe(6458);
  });

  test('the shell is allowed by the flag alone, and can be refused', () => {
    const allow = (line: string): string => serve(line).config.action.shell.allow;
    expect(allow('')).toBe('auto');
    expect(allow('--allow-shell')).toBe('yes');
    expect(allow('--allow-shell --port=1')).toBe('yes');
    expect(allow('--allow-shell=no')).toBe('no');
    expect(allow('--allow-shell no')).toBe('no');
  });

  test('demon and nodemon are read as yes or no; the foreground is the default', () => {
    const demon = (line: string): boolean => serve(line).demon;
    expect(
      ['', '--demon', '--demon True', '--demon=no', '--nodemon', '--nodemon False'].map(demon),
    ).toEqual([false, true, true, false, false, false]);
  });

  test.each([
    ['--prot=1', 'no flag is called "--prot"; did you mean --port?'],
    ['--log_level=INFO', 'no flag is called "--log_level"; did you mean --log-level?'],
    ['--no-port', 'no flag is called "--no-port"'],
    ['-p 5', 'no flag is called "-p"'],
    ['--constructor=1', 'no flag is called "--constructor"'],
    ['--__proto__=1', 'no flag is called "--__proto__"'],
    ['--port', '--port needs a value'],
    ['--port --bind=x', '--port needs a value'],
    ['--port=abc', '--port: "abc" came, expected a whole number from 0 to 65535'],
    ['--port=-1', '--port: "-1" came, expected a whole number from 0 to 65535'],
    ['--port=1e3', '--port: "1e3" came, expected a whole number from 0 to 65535'],
    ['--demon=perhaps', '--demon: "perhaps" came, expected yes or no'],
    ['--demon --nodemon', '--demon and --nodemon exclude each other'],
    ['--help=yes', '--help takes no value, "yes" came'],
    ['--driver-redis-db=-1', '--driver-redis-db: "-1" came, expected a whole number from 0'],
    ['--extension-on-error=ask', '--extension-on-error: "ask" came, expected stop or skip'],
    ['start', '"start" is no command of forsund; there are check, health, import and token'],
    ['check twice', '"twice" is no command of forsund; there are check, health, import and token'],
    ['health now', '"now" is no command of forsund; there are check, health, import and token'],
    ['--repair', '--repair goes with the command check'],
    ['check --demon', '--demon does not go with the command check'],
    ['token app --token-file=t', 'token takes a name and a role'],
    ['token app read', 'token needs to know the --token-file'],
    ['token app read --token-file=t --demon', '--demon does not go with the command token'],
  ])('%s is refused by name, as a usage error', (line, message) => {
    expect(() => parse(line)).toThrow(
      expect.objectContaining({ message: expect.stringContaining(message) as string, exitCode: 2 }),
    );
  });
});

describe('the conf file', () => {
  test('is named by --conf, else by FORSUN_CONF', () => {
    expect(serve('--conf=forsun.conf').config.thrift.port).toBe(1);
    expect(serve('', { FORSUN_CONF: 'other.conf' }).config.thrift.port).toBe(2);
    expect(serve('--conf=forsun.conf', { FORSUN_CONF: 'other.conf' }).config.thrift.port).toBe(1);
  });

  test('that cannot be read is refused by name', () => {
    expect(() => parse('--conf=none.conf')).toThrow(
      "the conf file cannot be read: ENOENT: no such file or directory, open 'none.conf'",
    );
  });
});

test('token hands on its words', () => {
  expect(parse('token app write keys=order- --token-file=/etc/tokens')).toMatchObject({
    kind: 'token',
    words: ['app', 'write', 'keys=order-'],
    config: { access: { tokenFile: '/etc/tokens' } },
  });
});

test('check reads the same settings', () => {
  expect(parse('check --repair --driver-mem-store-file=/srv/plans')).toMatchObject({
    kind: 'check',
    repair: true,
    config: { store: { directory: '/srv/plans' } },
  });
});
