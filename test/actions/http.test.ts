import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { Action } from '../../src/actions/action.ts';
import { httpAction, httpDefaults, type HttpSettings } from '../../src/actions/http.ts';
import { Names } from '../../src/actions/names.ts';
import { fire, realClock, RecordedLog } from './support.ts';
import { Sink } from './sink.ts';

let sink: Sink;
let log: RecordedLog;
const open: Action[] = [];

beforeEach(async () => {
  sink = await Sink.open();
  log = new RecordedLog();
});

afterEach(async () => {
  for (const action of open.splice(0)) await action.close?.();
  await sink.close();
});

function anHttp(settings: Partial<HttpSettings> = {}): Action {
  const action = httpAction(
    { ...httpDefaults, ...settings },
    { clock: realClock, log, version: '9.8.7', names: new Names(realClock) },
  );
  open.push(action);
  return action;
}

describe('a request', () => {
  test('is a GET that says which firing it is', async () => {
    expect(await fire(anHttp(), { url: `${sink.url}/call?me=1#not-this` })).toEqual({
      kind: 'done',
    });
    expect(sink.received).toMatchObject([
      {
        method: 'GET',
        path: '/call?me=1',
        body: '',
        headers: {
          host: `127.0.0.1:${sink.port}`,
          'user-agent': 'forsun/9.8.7',
          'x-forsun-timestamp': '1700000000',
          'x-forsun-key': 'order:42',
          'x-forsun-fire-id': 'order:42:7:1700000000',
          'x-forsun-attempt': '1',
        },
      },
    ]);
    expect(sink.received[0]?.headers).not.toHaveProperty('content-length');
    expect(sink.received[0]?.headers).not.toHaveProperty('content-type');
  });

  test.each(['get', 'Post', 'PUT', 'delete', 'head', 'patch', 'options'])(
    'takes the method %s in any case, with a body, an empty one, and none',
    async (method) => {
      const http = anHttp();
      for (const params of [{}, { body: '' }, { body: 'text=é' }]) {
        expect(await fire(http, { url: sink.url, method, ...params })).toEqual({ kind: 'done' });
      }
      expect(sink.received.map((request) => [request.method, request.body])).toEqual([
        [method.toUpperCase(), ''],
        [method.toUpperCase(), ''],
        [method.toUpperCase(), 'text=é'],
      ]);
      expect(sink.received[2]?.headers['content-length']).toBe('7');
    },
  );
});
