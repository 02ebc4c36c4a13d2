import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import {
  type CommandLine,
  type Flag,
  helpPage,
  readCommandLine,
} from '../../src/config/command-line.ts';

const known: readonly Flag[] = [
  { flag: 'log', takes: 'text', meaning: 'file to log to (default: -)' },
  { flag: 'port', takes: 'text', meaning: 'port' },
  { flag: 'demon', takes: 'yes or no', meaning: 'detach' },
  { flag: 'json', takes: 'nothing', meaning: 'for programs' },
  { flag: 'help', short: 'h', takes: 'nothing', meaning: 'help' },
  { flag: 'version', takes: 'nothing', meaning: 'version' },
];

const read = (...argv: readonly string[]): CommandLine => readCommandLine(argv, known);
const only = (flag: string, ...texts: readonly string[]): CommandLine => ({
  words: [],
  flags: new Map([[flag, texts]]),
});

const refusal = (...argv: readonly string[]): unknown => {
  try {
    return read(...argv);
  } catch (error) {
    return error;
  }
};

const exit = vi.spyOn(process, 'exit');
const printed = [vi.spyOn(process.stdout, 'write'), vi.spyOn(process.stderr, 'write')];
const consoled = [vi.spyOn(console, 'log'), vi.spyOn(console, 'error')];

beforeEach(() => vi.clearAllMocks());
afterEach(() => {
  for (const spy of [exit, ...printed, ...consoled]) expect(spy).not.toHaveBeenCalled();
});

describe('a value', () => {
  test.each(['-', '-5', '-.5', '', '007', '1e3', '0x10', '"a"', "'a'", 'a=b', 'a\nb', 'true', '*'])(
    'stays the text it is: %j',
    (text) => {
      expect(read('--log', text)).toEqual(only('log', text));
      expect(read(`--log=${text}`)).toEqual(only('log', text));
    },
  );

  test('that begins with a dash stands behind an equals sign, or is missing', () => {
    expect(read('--log=--odd')).toEqual(only('log', '--odd'));
    for (const argv of [['--log'], ['--log', '--json'], ['--log', '--']]) {
      expect(refusal(...argv)).toMatchObject({ message: '--log needs a value', exitCode: 2 });
    }
  });

  test('whatever it is, comes out as it went in', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), (texts) => {
        const flags = texts.length === 0 ? new Map() : new Map([['log', texts]]);
        expect(read(...texts.map((text) => `--log=${text}`))).toEqual({ words: [], flags });
      }),
    );
  });

  test('of a flag given several times is each of them, in order', () => {
    expect(read('--port', '1', '--port=2', '--port', '3')).toEqual(only('port', '1', '2', '3'));
  });
});

describe('a word', () => {
  const word = fc
    .string({ unit: 'grapheme' })
    .filter((text) => !text.startsWith('-') || text === '-');

  test('whatever it is, comes out as it went in, wherever flags stand', () => {
    fc.assert(
      fc.property(fc.array(word), fc.array(word), (before, behind) => {
        const { words, flags } = read(...before, '--json', '--log', '-', ...behind);
        expect(words).toEqual([...before, ...behind]);
        expect([...flags.keys()]).toEqual(['log', 'json']);
      }),
    );
  });

  test.each(['help', 'version', 'true', 'false', '007', '1e3', '-5', '-0.5', ''])(
    '%j is nothing special, first, last or behind a flag',
    (text) => {
      expect(read(text).words).toEqual([text]);
      expect(read('--json', text, 'b', text).words).toEqual([text, 'b', text]);
    },
  );

  test('is all that stands behind --', () => {
    expect(read('a', '--', '--json', '--', '--nobody', '-x').words).toEqual([
      'a',
      '--json',
      '--',
      '--nobody',
      '-x',
    ]);
  });
});

describe('a flag', () => {
  test('that takes yes or no takes no other word', () => {
    expect(read('--demon', 'Off', 'check')).toEqual({ ...only('demon', 'Off'), words: ['check'] });
    expect(read('--demon', 'check')).toEqual({ ...only('demon', 'yes'), words: ['check'] });
    expect(read('--demon')).toEqual(only('demon', 'yes'));
  });

  test('that takes nothing refuses a value and has a short name', () => {
    expect(read('-h')).toEqual(only('help', 'yes'));
    expect(refusal('--json=no')).toMatchObject({
      message: '--json takes no value, "no" came',
      exitCode: 2,
    });
  });

  test.each([
    ['--constructor=1', '--constructor'],
    ['--__proto__=1', '--__proto__'],
    ['--__proto__.x=1', '--__proto__.x'],
    ['--toString', '--toString'],
    ['--hasOwnProperty', '--hasOwnProperty'],
    ['--_=1', '--_'],
    ['--$0=1', '--$0'],
    ['--get-yargs-completions', '--get-yargs-completions'],
    ['--no-port', '--no-port', '; did you mean --port?'],
    ['--no-json', '--no-json', '; did you mean --json?'],
    ['--Port', '--Port', '; did you mean --port?'],
    ['-port', '-port', '; did you mean --port?'],
    ['--prot=1', '--prot', '; did you mean --port?'],
    ['--port.x=1', '--port.x', '; did you mean --port?'],
    ['--p', '--p'],
    ['-hx', '-hx'],
    ['-1x', '-1x'],
    ['---', '---'],
    ['---port=1', '---port', '; did you mean --port?'],
    ['--=1', '--'],
    ['--po\nrt', '--po\nrt', '; did you mean --port?'],
  ])('%j is refused by name when nobody knows it', (arg, name, meant = '') => {
    expect(refusal('--port', '1', arg)).toMatchObject({
      message: `no flag is called ${JSON.stringify(name)}${meant}`,
      exitCode: 2,
    });
  });

  test('whatever its name, is known or refused, and nothing else happens', () => {
    const names = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom(...Object.getOwnPropertyNames(Object.prototype)),
    );
    fc.assert(
      fc.property(names, fc.constantFrom('', '=', '=1'), (name, value) => {
        const came = refusal(`--${name}${value}`, 'word');
        if (came instanceof Error) expect(came.name).toBe('SettingError');
        else expect(Object.keys(came as object)).toEqual(['words', 'flags']);
      }),
    );
    expect(({} as Record<string, unknown>)['x']).toBe(undefined);
  });
});

test('help keeps lines as they begin, and a default in one piece', () => {
  const long = `${'x '.repeat(40)}(default: a b c)`;
  const page = helpPage({
    usage: 'Usage: one\n       two',
    groups: new Map([['Flags', [...known, { flag: 'long', takes: 'text', meaning: long }]]]),
    epilogue: 'the end',
  });
  const lines = page.split('\n');
  expect(lines.slice(0, 4)).toEqual(['Usage: one', '       two', '', 'Flags:']);
  expect(lines).toContain('  -h, --help     help');
  expect(lines).toContain('                 (default: a b c)');
  expect(lines.at(-1)).toBe('the end');
});
