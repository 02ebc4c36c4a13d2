import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { PlanRequest } from '../../src/core/plan.ts';
import { canBeTyped, formatSetLine } from '../../src/grammar/set-line-format.ts';
import { parseCrontabLine, parseSetArguments } from '../../src/grammar/set-line.ts';
import { tokenize } from '../../src/grammar/tokens.ts';

const firstCommand = (line: string) => tokenize(line)[0] ?? [];
const set = (line: string): PlanRequest => parseSetArguments(firstCommand(line));
const crontab = (line: string): PlanRequest => parseCrontabLine(firstCommand(line));
const params = (line: string) => Object.fromEntries(set(`k 0 0 9 * * * ${line}`).params);

describe('fields', () => {
  test('a leading star slash anywhere makes an interval, in which plain numbers count 0', () => {
    expect(set(`k */5/1 * * * * * shell 'cmd=ls'`)).toEqual({
      kind: 'interval',
      key: 'k',
      fields: { second: 5, minute: 0, hour: 0, day: 0, month: 0 },
      count: 1,
      action: 'shell',
      params: new Map([['cmd', 'ls']]),
    });
    expect(set(`k 30 */5 * * * * shell ls`).fields).toMatchObject({ second: 0, minute: 5 });
  });

  test.each([
    ['*/5 * * * * *', 1],
    ['*/5/0 * * * * *', 0],
    ['*/5/3 */1/7 * * * *', 7],
    ['*/5/3 */1 * * * *', 3],
  ])('the last count of %s is %i', (fields, count) => {
    expect(set(`k ${fields} shell ls`).count).toBe(count);
  });

  test('stars and numbers make a calendar, its unset fields absent', () => {
    expect(set(`k 0 32 16 * * * shell 'cmd=ls`)).toMatchObject({
      kind: 'calendar',
      fields: { second: 0, minute: 32, hour: 16 },
      count: 0,
    });
    expect(set(`k 0 32 16 -1 * 0 shell ls`).fields).toEqual({
      second: 0,
      minute: 32,
      hour: 16,
      week: 0,
    });
  });

  test.each([
    '0 0,30 9-17 * * mon-fri',
    '0 */15 9-17 * * *',
    '0 0 12 1-7 * MON#1',
    '0 0 0 L * *',
    '0 10-50/10 * ? jan,JUL *',
  ])('%s is a cron expression as a whole', (expression) => {
    expect(set(`k ${expression} shell ls`)).toEqual({
      kind: 'calendar',
      key: 'k',
      fields: {},
      count: 0,
      action: 'shell',
      params: new Map([
        ['forsun.cron', expression],
        ['cmd', 'ls'],
      ]),
    });
  });

  test.each([
    ['0 0 9-17 */5/2 * *', 'day "*/5/2" has a count, and a cron expression cannot count'],
    ['0 0 25h * * *', 'hour is *, a number, */N, */N/COUNT or a cron field, not "25h"'],
    ['*/40000 * * * * *', 'second is at most 32767, not "40000"; use a larger unit'],
    ['*/5/40000 * * * * *', 'the count in second is at most 32767, not "40000"; use a larger unit'],
    ['-5 * * * * *', 'second is *, a number, */N, */N/COUNT or a cron field, not "-5"'],
  ])('%s is refused: %s', (fields, message) => {
    expect(() => set(`k ${fields} shell ls`)).toThrow(message);
  });

  test('a line with too few fields is refused by what stands in the wrong place', () => {
    expect(() => set(`mysql 32 16 * * * mysql 'host=a'`)).toThrow('nine words, not 8');
    expect(() => set(`mysql 32 16 * * * mysql 'host=a' x`)).toThrow('week is');
  });
});

describe('params', () => {
  test.each<[string, Record<string, string>]>([
    [`shell 'cmd=ls;cwd=/tmp'`, { cmd: 'ls', cwd: '/tmp' }],
    [`shell "cmd='ls -l; date';env='A=1'"`, { cmd: 'ls -l; date', env: 'A=1' }],
    [
      `redis 'host=172.16.0.2;command=\\'SET b 1 EX 300\\'`,
      { host: '172.16.0.2', command: 'SET b 1 EX 300' },
    ],
    [`http 'url=\\'http://www.example.com/\\''`, { url: 'http://www.example.com/' }],
    [`shell 'echo hi'`, { cmd: 'echo hi' }],
    [`sh 'A=1 B=2 env'`, { cmd: 'A=1 B=2 env' }],
    [`http http://a/?x=1&y=2`, { url: 'http://a/?x=1&y=2' }],
    [`sh 'a b' forsun.timezone=Asia/Tokyo`, { cmd: 'a b', 'forsun.timezone': 'Asia/Tokyo' }],
    [`http 'http://a/?x=1&y=2'`, { url: 'http://a/?x=1&y=2' }],
    [`shell cmd='echo hi' cwd=/tmp`, { cmd: 'echo hi', cwd: '/tmp' }],
    [
      `http "url='http://a/?x=1'" method=post body=`,
      { url: 'http://a/?x=1', method: 'post', body: '' },
    ],
    [`http url='http://a/?x=1' body=`, { url: 'http://a/?x=1', body: '' }],
    [`shell 'env=A=1'`, { cmd: 'env=A=1' }],
  ])('%s', (line, expected) => expect(params(line)).toEqual(expected));

  test.each([
    [
      `shell 'cmd=echo hi'`,
      `"hi" is left over behind "cmd=echo": put quotes around a value with blanks: cmd='…'`,
    ],
    [`http 'url=http://a/?x=1&y=2'`, `put quotes around a value with an equals sign: url='…'`],
    [`shell echo a=b`, 'a param is name=value, not "echo"'],
    [`shell 'cmd=a;cmd=b'`, 'param "cmd" is given twice'],
    [`redis 'host'`, 'a param is name=value, not "host"'],
    [`shell echo hi`, 'a param is name=value, not "echo"; put quotes around a value with blanks'],
  ])('what %s would lose is refused', (line, message) => {
    expect(() => params(line)).toThrow(message);
  });

  test('a name may be any text, also one that objects know', () => {
    expect([...set(`k 0 0 9 * * * shell 'cmd=a;__proto__=b;hasOwnProperty=c'`).params]).toEqual([
      ['cmd', 'a'],
      ['__proto__', 'b'],
      ['hasOwnProperty', 'c'],
    ]);
  });
});

describe('a crontab line', () => {
  test('keeps week 0 of an interval, which a command line leaves unset', () => {
    expect(crontab(`k1 */5/2 * * * * * shell 'cmd=ls'`)).toMatchObject({
      kind: 'interval',
      fields: { second: 5, minute: 0, hour: 0, day: 0, month: 0, week: 0 },
      count: 2,
    });
  });

  test('knows no alias and no bare command', () => {
    expect(crontab(`k * * * * * * bash 'cmd=ls'`).action).toBe('bash');
    expect(() => crontab(`k * * * * * * shell ls`)).toThrow('a param is name=value, not "ls"');
  });
});

describe('the line of a plan', () => {
  test.each([
    [`shell */5/1 * * * * * shell 'cmd=ls'`, `shell */5/1 * * * * * shell "cmd='ls'"`],
    [`a */0 * * * * * sh ls`, `a */0/1 * * * * * shell "cmd='ls'"`],
    [`a * */2/3 */1 * * * sh ls`, `a * */2/3 */1/3 * * * shell "cmd='ls'"`],
    [`'a b' 0 32 16 * * 0 http http://a/`, `'a b' 0 32 16 * * 0 http "url='http://a/'"`],
    [`a 0 0,30 9-17 * * mon-fri sh ls`, `a 0 0,30 9-17 * * mon-fri shell "cmd='ls'"`],
  ])('%s reads %s', (line, expected) => expect(formatSetLine(set(line))).toBe(expected));

  test('a cron expression of five fields fires at second 0, and one that set cannot say is a param', () => {
    const cron = (expression: string): string =>
      formatSetLine({
        ...set('k * * * * * * sh ls'),
        params: new Map([['forsun.cron', expression]]),
      });
    expect(cron('*/10 9-17 * * *')).toBe('k 0 */10 9-17 * * * shell ""');
    expect(cron('@daily')).toBe(`k * * * * * * shell "forsun.cron='@daily'"`);
    expect(cron('0 */10 * * * *')).toBe(`k * * * * * * shell "forsun.cron='0 */10 * * * *'"`);
  });

  test('typed again it makes the same plan, whatever the params, where the quoting rules allow', () => {
    const text = fc.string({
      minLength: 1,
      unit: fc.constantFrom('"', "'", '\\', ' ', ';', '=', 'a', 'é'),
    });
    const field = fc.option(fc.nat(32_767), { nil: undefined });
    const fields = fc.record({
      second: field,
      minute: field,
      hour: field,
      day: field,
      month: field,
      week: field,
    });
    const requests = fc.record({
      kind: fc.constantFrom<('interval' | 'calendar')[]>('interval', 'calendar'),
      key: text,
      fields,
      count: fc.nat(32_767),
      action: fc.constantFrom('shell', 'http', 'redis'),
      params: fc
        .uniqueArray(
          fc.tuple(fc.oneof(fc.constantFrom('cmd', 'url'), text), fc.oneof(text, fc.constant(''))),
          {
            selector: ([name]) => name,
            minLength: 1,
            maxLength: 4,
          },
        )
        .map((pairs) => new Map(pairs)),
    });
    let typed = 0;
    fc.assert(
      fc.property(requests, (request) => {
        if (!canBeTyped(request as PlanRequest)) return;
        typed++;
        const line = formatSetLine(request as PlanRequest);
        const again = crontab(line);
        expect([again.key, again.action, again.params]).toEqual([
          request.key,
          request.action,
          request.params,
        ]);
        expect(formatSetLine(again)).toBe(line);
      }),
      { numRuns: 2_000 },
    );
    expect(typed).toBeGreaterThan(200);
  });
});
