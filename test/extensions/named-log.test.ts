import { expect, test } from 'vitest';

import { namedLog } from '../../src/extensions/named-log.ts';
import { RecordedLog } from '../support/recorded-log.ts';

test('a line of an extension has its name, whatever it is told', () => {
  const log = new RecordedLog();
  const named = namedLog('ext', log) as Record<'info', (...given: readonly unknown[]) => void>;
  for (const given of [
    ['greeted', { key: 'k', count: 3, isOld: false, whom: undefined, extension: 'other' }],
    [new Error('oh'), null],
    [undefined, 7],
    ['x', { list: [1, 2], error: new TypeError('no'), bare: Object.create(null) as unknown }],
  ])
    named.info(...given);
  expect(log.lines.map(({ event, fields }) => [event, fields])).toEqual([
    ['greeted', { key: 'k', count: 3, isOld: false, whom: undefined, extension: 'ext' }],
    ['Error: oh', { extension: 'ext' }],
    ['undefined', { extension: 'ext' }],
    ['x', { list: '1,2', error: 'TypeError: no', bare: 'what cannot be shown', extension: 'ext' }],
  ]);
});
