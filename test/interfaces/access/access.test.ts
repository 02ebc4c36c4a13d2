import { describe, expect, test } from 'vitest';

import { ForsunError } from '../../../src/core/errors.ts';
import { isLoopback, protectedMode } from '../../../src/interfaces/access/access.ts';

const served = (address: string, ...trusted: string[]): boolean =>
  protectedMode(trusted).refusal(address) === undefined;

describe('loopback', () => {
  test.each(['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1'])('%s is loopback', (address) => {
    expect(isLoopback(address)).toBe(true);
    expect(served(address)).toBe(true);
  });

  test.each(['0.0.0.0', '::', '10.0.0.1', '128.0.0.1', '::ffff:10.0.0.1', 'example.org', ''])(
    '%s is not',
    (address) => {
      expect(isLoopback(address)).toBe(false);
      expect(served(address)).toBe(false);
    },
  );
});

describe('trusted networks', () => {
  test.each([
    ['10.1.2.3', '10.0.0.0/8'],
    ['::ffff:10.1.2.3', '10.0.0.0/8'],
    ['10.1.2.3', '::ffff:10.0.0.0/104'],
    ['10.1.2.3', '10.1.2.3'],
    ['172.20.0.5', ' 172.20.0.0/16 '],
    ['fd00::1', 'fd00::/8'],
    ['fe80::1%eth0', 'fe80::/10'],
    ['192.0.2.1', '0.0.0.0/0'],
  ])('%s is in %s', (address, network) => {
    expect(served(address, network)).toBe(true);
  });

  test.each([
    ['11.0.0.1', '10.0.0.0/8'],
    ['fd00::1', '10.0.0.0/8'],
    ['10.1.2.4', '10.1.2.3'],
    ['2001:db8::1', '0.0.0.0/0'],
  ])('%s is not in %s', (address, network) => {
    expect(served(address, network)).toBe(false);
  });

  test.each([
    '',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0/8',
    '::/129',
    'home',
    '::1/-1',
  ])('"%s" is refused by name', (network) => {
    const parse = (): unknown => protectedMode([network]);
    expect(parse).toThrow(ForsunError);
    expect(parse).toThrow(JSON.stringify(network));
  });
});

test.each([
  ['203.0.113.7', '203.0.113.7/32'],
  ['::ffff:203.0.113.7', '203.0.113.7/32'],
  ['2001:db8::7', '2001:db8::7/128'],
])('the refusal of %s names the setting that would let it in', (address, network) => {
  const refusal = protectedMode(['10.0.0.0/8']).refusal(address);
  expect(refusal).toContain(`--trust-network ${network}`);
  expect(refusal).toContain(network.split('/')[0]);
});
