import { createHash } from 'node:crypto';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { Action } from '../../src/actions/action.ts';
import { httpAction, httpDefaults } from '../../src/actions/http.ts';
import { digestAuthorization, digestChallengeOf } from '../../src/actions/http-auth.ts';
import { Sink } from './sink.ts';
import { fire, network, realClock, RecordedLog } from './support.ts';

const mufasa = { mode: 'digest', username: 'Mufasa', password: 'Circle of Life' } as const;

describe('a digest', () => {
  test.each([
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ])('by %s is the one of RFC 7616, 3.9.1', (algorithm, response) => {
    const challenge = digestChallengeOf(
      `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, ` +
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", ' +
        'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"',
    );
    const cnonce = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ';
    expect(digestAuthorization(challenge!, mufasa, 'GET', '/dir/index.html', cnonce)).toBe(
      'Digest username="Mufasa", realm="http-auth@example.org", ' +
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", uri="/dir/index.html", ' +
        `algorithm=${algorithm}, response="${response}", ` +
        'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", ' +
        `qop=auth, nc=00000001, cnonce="${cnonce}"`,
    );
  });

  test('without qop is the one of RFC 2069, errata', () => {
    const challenge = digestChallengeOf(
      'Digest realm="testrealm@host.com",nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"',
    );
    expect(
      digestAuthorization(
        challenge!,
        { mode: 'digest', username: 'Mufasa', password: 'CircleOfLife' },
        'GET',
        '/dir/index.html',
      ),
    ).toContain('response="1949323746fe6a43ef61f9606e7febea"');
  });
});

describe('a challenge', () => {
  test('is found among others, wherever it stands', () => {
    const header =
      'Basic realm="a, Digest nonce=\\"no\\"", Negotiate dG9rZW4=, ' +
      'Digest realm="x", nonce=n, qop=auth-int, digest REALM="say \\"hi\\"", nonce="1" , STALE=TRUE';
    expect(digestChallengeOf(header)).toEqual({
      realm: 'say "hi"',
      nonce: '1',
      algorithm: 'MD5',
      isSession: false,
      isStale: true,
    });
    expect(digestChallengeOf(['Basic realm=x', 'Digest realm=y, nonce=2'])?.realm).toBe('y');
  });

  test.each([
    undefined,
    '',
    'Basic realm="x"',
    'Digest realm="x"',
    ',,,',
    '"',
    'Digest algorithm=X',
  ])('%j is none', (header) => {
    expect(digestChallengeOf(header)).toBe(undefined);
  });

  test('of an algorithm that is not known is passed over for the next', () => {
    const header =
      'Digest realm=a, nonce=1, algorithm=X-1, Digest realm=b, nonce=2, algorithm=md5-SESS';
    expect(digestChallengeOf(header)).toMatchObject({
      realm: 'b',
      algorithm: 'MD5',
      isSession: true,
    });
  });

  test('of hostile length is read in time', () => {
    for (const piece of [' ', ',', '"', '\\', '=', 'a', 'a=', 'a="', '"\\']) {
      expect(digestChallengeOf(`Digest ${piece.repeat(16_000)}`)).toBe(undefined);
    }
  });
});

describe('against a server', () => {
  let sink: Sink;
  let http: Action;

  beforeEach(async () => {
    sink = await Sink.open();
    http = httpAction(httpDefaults, {
      clock: realClock,
      log: new RecordedLog(),
      version: '0',
      ...network(),
    });
  });

  afterEach(async () => {
    await http.close?.();
    await sink.close();
  });

  /** Judges an Authorization as a server does that knows Mufasa. */
  const isRight = (authorization: string, method: string, nonce: string): boolean => {
    const field = (name: string): string =>
      new RegExp(`\\b${name}="?([^",]*)`).exec(authorization)?.[1] ?? '';
    const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
    const session = hash(
      `${hash(`Mufasa:the "realm":Circle of Life`)}:${nonce}:${field('cnonce')}`,
    );
    const expected = hash(
      `${session}:${nonce}:00000001:${field('cnonce')}:auth:${hash(`${method}:/a?b=c`)}`,
    );
    return field('nonce') === nonce && field('response') === expected;
  };

  const params = (password: string): Record<string, string> => ({
    url: `${sink.url}/a?b=c`,
    method: 'POST',
    body: 'x=1',
    auth_username: 'Mufasa',
    auth_password: password,
    auth_mode: 'Digest',
  });

  function demandDigests(): void {
    let nonces = 0;
    sink.answer = (response, { headers, method }) => {
      const current = `n${nonces}`;
      const right = isRight(headers.authorization ?? '', method, current);
      // The second nonce given out is the first that stays good.
      if (right && nonces > 1) return void response.end();
      nonces++;
      const next = `realm="the \\"realm\\"", nonce="n${nonces}", qop="auth", algorithm=SHA-256-sess`;
      response.writeHead(401, {
        'WWW-Authenticate': ['Basic realm="no"', `Digest ${next}${right ? ', stale=true' : ''}`],
      });
      response.end('who?');
    };
  }

  test('a digest is made, and made anew when its nonce was too old', async () => {
    demandDigests();
    expect(await fire(http, params('Circle of Life'))).toEqual({ kind: 'done' });
    expect(sink.received.map(({ method, body }) => `${method} ${body}`)).toEqual(
      Array<string>(3).fill('POST x=1'),
    );
    expect(sink.received[0]?.headers).not.toHaveProperty('authorization');
  });

  test('wrong credentials are sent once', async () => {
    demandDigests();
    expect(await fire(http, params('wrong'))).toMatchObject({ kind: 'failed' });
    expect(sink.received).toHaveLength(2);
  });

  test('a server that asks for what we cannot do, or for nothing, is answered so', async () => {
    sink.answer = (response) => response.writeHead(401, { 'WWW-Authenticate': 'Negotiate' }).end();
    expect(await fire(http, params('x'))).toMatchObject({ kind: 'failed' });
    sink.answer = (response) => response.end();
    expect(await fire(http, params('x'))).toEqual({ kind: 'done' });
    expect(sink.received).toHaveLength(2);
  });

  test('basic credentials go at once: from the URL first, then from the params', async () => {
    const withParams = { auth_username: 'mé', auth_password: 'p:w', header_Authorization: 'X' };
    await fire(http, { url: sink.url, ...withParams });
    await fire(http, { url: sink.url.replace('//', '//u%40x:%@'), ...withParams });
    await fire(http, { url: sink.url, header_Authorization: 'Bearer t' });
    expect(sink.received.map(({ headers }) => headers.authorization)).toEqual([
      `Basic ${Buffer.from('mé:p:w').toString('base64')}`,
      `Basic ${Buffer.from('u@x:%').toString('base64')}`,
      'Bearer t',
    ]);
    expect(sink.received[1]?.headers.host).toBe(`127.0.0.1:${sink.port}`);
  });
});
