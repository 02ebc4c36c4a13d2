import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { Action, PreparedAction } from '../../src/actions/action.ts';
import { httpAction, httpDefaults } from '../../src/actions/http.ts';
import { RawServer, Sink } from './sink.ts';
import { isNightly } from '../support/nightly.ts';
import { aRun, fire, network, realClock, RecordedLog } from './support.ts';

vi.setConfig({ testTimeout: 120_000 });

let sink: Sink;
let http: Action;

beforeEach(async () => {
  sink = await Sink.open();
  const deps = { clock: realClock, log: new RecordedLog(), version: '1' };
  http = httpAction(httpDefaults, { ...deps, ...network() });
});

afterEach(async () => {
  await http.close?.();
  await sink.close();
});

describe('whatever a param holds', () => {
  const pieces = fc.constantFrom(
    ...[
      '\r\nInjected: 1',
      '\nInjected: 1',
      '\rInjected: 1',
      '\r\n\r\nGET /injected HTTP/1.1\r\n\r\n',
    ],
    ...[
      '\0',
      '\x7f',
      '\x85',
      '\u2028',
      '\t',
      ' ',
      '"',
      "'",
      '\\',
      '%0d%0aInjected:%201',
      '%',
      '%00',
    ],
    ...[
      'é',
      '\u{1f600}',
      '\u202e',
      '__proto__',
      ';',
      '#',
      '?',
      '/',
      '@',
      ':',
      '[',
      'x',
      '0',
      '',
      '&',
    ],
  );
  const hostile = fc.oneof(
    fc.array(pieces, { maxLength: 5 }).map((some) => some.join('')),
    fc.string({ unit: 'binary', maxLength: 12 }),
  );
  /** Params in which any value, the part of a URL and the name of a header are hostile. */
  const params = fc
    .record(
      {
        path: hostile,
        user: hostile,
        body: hostile,
        method: fc.oneof(fc.constantFrom('POST', 'put'), hostile),
        auth_username: hostile,
        auth_password: hostile,
        auth_mode: fc.constantFrom('basic', 'digest'),
        user_agent: hostile,
        header_a: hostile,
        header_cookie: hostile,
        header_host: hostile,
        header_name: hostile,
      },
      { requiredKeys: ['path'] },
    )
    .map(({ path, user, header_name: name, ...rest }) => ({
      ...rest,
      ...(name === undefined ? {} : { [`header_${name}`]: 'v' }),
      url: `${user === undefined ? sink.url : sink.url.replace('//', `//${user}@`)}/${path}`,
    }));

  const preparedOrRefused = (given: Record<string, string>): PreparedAction | Error => {
    try {
      return http.prepare(new Map(Object.entries(given)));
    } catch (error) {
      return error as Error;
    }
  };

  test('it is refused when the plan is made, or sent as one value of one request', async () => {
    let nonces = 0;
    sink.answer = (response, { headers }) => {
      const isDigest = headers.authorization?.startsWith('Digest') === true;
      if (headers.authorization !== undefined && !isDigest) return void response.end();
      const challenge = `Digest realm="r\\"\\\\", nonce="${nonces++}", qop="auth"`;
      response.writeHead(isDigest ? 200 : 401, { 'WWW-Authenticate': challenge }).end();
    };
    await fc.assert(
      fc.asyncProperty(params, async (given) => {
        // Who can choose a URL can choose its host: that is no injection.
        fc.pre(!URL.canParse(given.url) || new URL(given.url).origin === sink.url);
        sink.received.length = 0;
        const prepared = preparedOrRefused(given);
        if (prepared instanceof Error) {
          expect(prepared).toMatchObject({ code: 'bad_argument' });
          return;
        }
        const outcome = await prepared.run(aRun());
        const isAnswered = sink.received.at(-1)?.headers.authorization !== undefined;
        expect(outcome).toEqual(
          isAnswered ? { kind: 'done' } : { kind: 'failed', reason: `${sink.url} answered 401` },
        );
        for (const { headers, path, body } of sink.received) {
          expect(Object.keys(headers)).not.toContain('injected');
          expect(path).not.toBe('/injected');
          expect(body).toBe(given.body ?? '');
          const sent = Buffer.from(String(headers['a'] ?? ''), 'latin1').toString('utf8');
          expect(sent).toBe((given.header_a ?? '').trim());
        }
        expect(sink.received.length).toBeLessThanOrEqual(2);
      }),
      { numRuns: isNightly ? 50_000 : 2_000 },
    );
  });
});

describe('whatever an answer holds', () => {
  const whole = Buffer.from(
    'HTTP/1.1 200 OK\r\nServer: x\r\nRetry-After: 5\r\nTransfer-Encoding: chunked\r\n' +
      'WWW-Authenticate: Digest realm="a", nonce="b", qop="auth"\r\nLocation: /\r\n\r\n' +
      '5\r\nhello\r\n0\r\n\r\n',
    'latin1',
  );
  const changed = fc
    .array(fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 6 })
    .map((changes) => {
      const bytes = Buffer.from(whole);
      for (const [at, byte] of changes) bytes[at] = byte;
      return bytes;
    });
  const answers = fc.oneof(
    changed,
    fc.tuple(changed, fc.nat(whole.length)).map(([bytes, end]) => bytes.subarray(0, end)),
    fc.tuple(changed, fc.integer({ min: 100, max: 999 })).map(([bytes, status]) => {
      bytes.write(String(status), 9, 'latin1');
      return bytes;
    }),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  );

  test('the run ends, and tells in printable words how', async () => {
    let answer = Buffer.alloc(0);
    const server = await RawServer.open((socket) => {
      socket.once('data', () => socket.end(answer));
    });
    await fc.assert(
      fc.asyncProperty(answers, async (bytes) => {
        answer = bytes;
        const params = { auth_username: 'u', auth_mode: 'digest', request_timeout: '5' };
        const outcome = await fire(http, { url: server.url, ...params });
        if (outcome.kind === 'done') return;
        expect(outcome.reason).toMatch(/^[ -~]{10,120}$/);
        expect(outcome.reason).not.toMatch(/broke|not within/);
      }),
      { numRuns: isNightly ? 20_000 : 1_000 },
    );
    await server.close();
  });
});
