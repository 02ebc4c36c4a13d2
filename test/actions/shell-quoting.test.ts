import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';

import type { Action } from '../../src/actions/action.ts';
import { shellAction, shellDefaults } from '../../src/actions/shell.ts';
import { fire, realClock, RecordedLog } from './support.ts';

let directory: string;
let elsewhere: string;
let log: RecordedLog;
let shell: Action;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'forsun-quoting-'));
  elsewhere = mkdtempSync(join(tmpdir(), 'forsun-printed-'));
  log = new RecordedLog();
  const settings = { ...shellDefaults, cwd: directory, maxOutputBytes: 1_000_000 };
  shell = shellAction(settings, { clock: realClock, log, environment: process.env });
});

afterEach(async () => {
  await shell.close?.();
  for (const each of [directory, elsewhere]) rmSync(each, { recursive: true });
});

/** Whatever a shell could take for more than text; most of it makes a file where it is run. */
const pieces = [
  ...['$(touch canary)', '`touch canary`', '; touch canary;', '&& touch canary', '| touch canary'],
  ...['|| touch canary', '& touch canary &', '\ntouch canary\n', '> canary', '>>canary', '<canary'],
  ...["' touch canary '", '" touch canary "', "'", '"', '\\', '\\"', "\\'", "'\\''", '`', '$', '#'],
  ...['() { :; }; touch canary', '${x:-$(touch canary)}', '$((x[$(touch canary)]))', '${IFS}'],
  ...['-e', '--', '-n', '%s%n', '*', '?', '[a-z]*', '~', '{a,b}', '!!', '!$', '=', ' ', '  ', '\t'],
  ...['\r\n', '\n', '\r', '\x1b[2J', '\x07', '\x08', '\x7f', 'é', '\u{1f600}', '\u202e', '\ufeff'],
  ...['__proto__', 'IFS=x', 'PATH=', '/../', 'x', '0'],
];

const hostile = fc.array(fc.constantFrom(...pieces), { maxLength: 8 }).map((some) => some.join(''));

const sample = (count: number, seed: number): readonly string[] =>
  fc.sample(hostile, { numRuns: count, seed });

/** The values as one `env` param, and a command that prints them into a file, with a NUL behind each. */
function printing(
  values: readonly string[],
  file: string,
): { readonly cmd: string; readonly env: string } {
  const variables = values.map((_, n) => `V${n}`);
  return {
    env: variables.map((name, n) => `${name}=${values[n]}`).join(';'),
    // Used without quotes, too: split into words and names of files, but never run.
    cmd: `printf '%s\\0' "$FORSUN_KEY" ${variables.map((name) => `"$${name}"`).join(' ')} > ${file}; : $FORSUN_KEY $V0`,
  };
}

test('two thousand hostile values reach a command as data, byte for byte, and run nothing', async () => {
  const perRun = 19; // and the key
  for (let run = 0; run < 100; run++) {
    const values = sample(perRun, run).map((value) => value.replaceAll(';', ''));
    const [key = ''] = sample(1, 1_000 + run);
    const file = join(elsewhere, 'printed');
    expect(await fire(shell, printing(values, file), { key, fireId: `${key}:1:2` })).toEqual({
      kind: 'done',
    });
    expect(readFileSync(file, 'utf8')).toBe([key, ...values, ''].join('\0'));
  }
  expect(readdirSync(directory)).toEqual([]);
});

test('a directory of any name is entered, and its name runs nothing', async () => {
  const names = sample(200, 7).map((name) => name.replaceAll('/', ''));
  for (const name of new Set(names.filter((name) => !['', '.', '..'].includes(name)))) {
    mkdirSync(join(directory, name));
    log.lines.length = 0;
    const params = { cmd: 'pwd; ls -A', cwd: name };
    expect(await fire(shell, params)).toEqual({ kind: 'done' });
    expect(log.lines[0]?.fields['stdout']).toBe(`${directory}/${name}\n`);
    rmSync(join(directory, name), { recursive: true });
  }
  expect(readdirSync(directory)).toEqual([]);
});
