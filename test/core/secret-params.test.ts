import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { checkHidden, hidden, withoutSecrets } from '../../src/core/secret-params.ts';

const shown = (name: string, value: string): string | undefined =>
  withoutSecrets(new Map([[name, value]])).get(name);

describe('to whom may not see secrets', () => {
  test.each([
    ...['password', 'passwd', 'auth_password', 'PASSWORD', 'db_pass', 'token', 'api_token'],
    ...['accessToken', 'client-secret', 'header_authorization', 'header_proxy-authorization'],
    ...['header_cookie', 'header_x-api-key', 'header_X-Auth-Token', 'apikey', 'private_key'],
    ...['header_x-hub-signature-256', 'header_x-functions-key', 'header_x-session-id', 'tokens'],
    ...['header_authentication', 'password2', 'passcode', 'jwt', 'dsn', 'connection_string'],
  ])('the param %s is hidden', (name) => {
    expect(shown(name, 's3cret')).toBe(hidden);
  });

  test.each([
    ...['url', 'method', 'body', 'sql', 'command', 'cmd', 'host', 'key', 'db', 'user', 'author'],
    ...['header_content-type', 'auth_username', 'auth_mode', 'forsun.retries', 'bypasses'],
    ...['routing_key', 'monkey', 'header_x-monkey', 'token_url', 'compass', 'design'],
  ])('the param %s is not', (name) => {
    expect(shown(name, 'plain')).toBe('plain');
  });

  test.each([
    ['http://user:s3cret@host:80/a?b=c#d', 'http://[redacted]@host:80/a?b=c#d'],
    ['http://s3cret@host/', 'http://[redacted]@host/'],
    ['http://a@s3cret@host/', 'http://[redacted]@host/'],
    ['http:user:s3cret@host/', 'http:[redacted]@host/'],
    ['http:\\\\user:s3cret@host/', 'http:\\\\[redacted]@host/'],
    [' ht\ntp://us er:s3cret@host/', 'http://[redacted]@host/'],
    ['http://us er:"s3cret@host/', 'http://[redacted]@host/'],
    ['redis://:s3cret@host/0', 'redis://[redacted]@host/0'],
    [
      'curl http://u:s3cret@a/ http://u:s3cret@b/',
      'curl http://[redacted]@a/ http://[redacted]@b/',
    ],
    ['http://host/?a=1&token=s3cret&b=2', 'http://host/?a=1&token=[redacted]&b=2'],
    ['http://host/?api_key=s3cret#x', 'http://host/?api_key=[redacted]#x'],
    ['http://host/?user[password]=s3cret&b=2', 'http://host/?user[password]=[redacted]&b=2'],
    ['http://host/?user%5Bpassword%5D=s3cret', 'http://host/?user%5Bpassword%5D=[redacted]'],
    ['http://host/?pass%77ord=s3cret', 'http://host/?pass%77ord=[redacted]'],
    ['http://host/#access_token=s3cret', 'http://host/#access_token=[redacted]'],
    ['http://host/@user:pass', 'http://host/@user:pass'],
    ['a@b.example', 'a@b.example'],
  ])('the URL %j reads %j', (value, expected) => {
    expect(shown('url', value)).toBe(expected);
    expect(shown('cmd', value)).toBe(expected);
  });

  test('variables of a command are hidden by their names', () => {
    expect(shown('env', 'A=1;API_TOKEN=a b&c;DB_PASSWORD=x=y;B=')).toBe(
      'A=1;API_TOKEN=[redacted];DB_PASSWORD=[redacted];B=',
    );
  });

  test.each([
    ['STRIPE_KEY=s3cret;LANG=C', 'STRIPE_KEY=[redacted];LANG=C'],
    [
      'DATABASE_URL=postgres://u:s3cret@db/x;LANG=C',
      'DATABASE_URL=postgres://[redacted]@db/x;LANG=C',
    ],
    ['HOOK=http://host/?token=s3cret;A=1', 'HOOK=http://host/?token=[redacted];A=1'],
    ['A=http://host/;MAIL=me@example.com', 'A=http://host/;MAIL=me@example.com'],
    ['http://u:s3cret@host/?a=1;A=1', 'http://[redacted]@host/?a=1;A=1'],
    [';;http://u:s3cret@host/; B=', ';;http://[redacted]@host/; B='],
  ])('variables are texts of their own: %s', (value, expected) => {
    expect(shown('env', value)).toBe(expected);
  });

  test.each([
    ['password', '${env:DB_PASSWORD}'],
    ['header_authorization', 'Bearer ${file:/run/secrets/token}'],
    ['env', 'API_TOKEN=${env:API_TOKEN}'],
    ['url', 'http://${env:LOGIN}@host/?token=${env:TOKEN}'],
  ])('where a secret is to be found may be seen: %s=%s', (name, value) => {
    expect(shown(name, value)).toBe(value);
  });

  test.each(['x${env:A}', '${env:A}x', '${env:A', '${other:A}'])('%s is no such place', (value) => {
    expect(shown('password', value)).toBe(hidden);
  });

  test.each([
    ['letters', 'a'],
    ['blanks', ' '],
    ['beginnings of a URL', 'http:'],
    ['beginnings of a query', 'http://a?b;'],
    ['references', '${env:'],
  ])('a value of nothing but %s is read once', (_, part) => {
    const value = part.repeat(256 * 1024).slice(0, 256 * 1024);
    for (const name of ['body', 'env', 'token']) expect(shown(name, value)).toBeDefined();
  });

  test('an empty value is one', () => {
    expect(shown('password', '')).toBe('');
  });
});

describe('what was hidden', () => {
  test.each([
    ['password', hidden],
    ['url', `http://${hidden}@host/`],
    ['url', `http://host/?token=${hidden}`],
    ['env', `A=1;TOKEN=${hidden}`],
    ['env', `A=1;B=http://${hidden}@host/`],
  ])('is refused when it comes back: %s=%s', (name, value) => {
    expect(() => checkHidden(new Map([[name, value]]))).toThrow(
      `the param "${name}" holds [redacted], which stands for a secret that was not shown; ` +
        'expected the secret itself',
    );
  });

  test('is text like any other where nothing would have been hidden', () => {
    for (const value of [hidden, `echo ${hidden}`, `http://host/${hidden}`]) {
      expect(() => checkHidden(new Map([['body', value]]))).not.toThrow();
    }
  });

  test('is refused, whatever it was', () => {
    const name = fc.constantFrom('url', 'env', 'password', 'body', 'x_token');
    const url = fc.webUrl({ withQueryParameters: true });
    const value = fc.oneof(
      fc.string(),
      url,
      fc.string().map((text) => `http://${text}@host/`),
    );
    fc.assert(
      fc.property(name, value, (name, value) => {
        fc.pre(!value.includes(hidden));
        const params = withoutSecrets(new Map([[name, value]]));
        const isHidden = params.get(name)?.includes(hidden) ?? false;
        const check = (): void => checkHidden(params);
        if (isHidden) expect(check).toThrow('[redacted]');
        else expect(check).not.toThrow();
      }),
    );
  });
});
