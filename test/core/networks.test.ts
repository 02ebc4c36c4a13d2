import { describe, expect, test } from 'vitest';

import { networkOf, Networks, plainAddress } from '../../src/core/networks.ts';

describe('a network', () => {
  test.each([
    ['10.1.0.0/16', { address: '10.1.0.0', bits: 16, family: 4 }],
    ['10.1.2.3', { address: '10.1.2.3', bits: 32, family: 4 }],
    ['fd00::/8', { address: 'fd00::', bits: 8, family: 6 }],
    ['::1', { address: '::1', bits: 128, family: 6 }],
    ['::ffff:10.0.0.0/104', { address: '10.0.0.0', bits: 8, family: 4 }],
    ['::ffff:a00:0/104', { address: '10.0.0.0', bits: 8, family: 4 }],
    ['::ffff:10.1.2.3', { address: '10.1.2.3', bits: 32, family: 4 }],
  ])('is %s', (text, network) => {
    expect(networkOf(text)).toEqual(network);
  });

  test.each([
    ...[
      '',
      '/8',
      'localhost',
      '10.0.0/8',
      '10.0.0.0/33',
      '10.0.0.0/',
      '10.0.0.0/-1',
      '10.0.0.0/8/8',
    ],
    ...['010.0.0.0/8', 'fd00::/129', 'fe80::1%lo', '::ffff:10.0.0.0/90', '::ffff:10.0.0.0/129'],
  ])('is not "%s"', (text) => {
    expect(networkOf(text)).toBeUndefined();
    expect(() => new Networks([text])).toThrow(`"${text}" is no network`);
  });
});

describe('networks', () => {
  test.each([
    ['10.0.0.0/8', '10.1.2.3'],
    ['10.0.0.0/8', '::ffff:10.1.2.3'],
    ['10.0.0.0/8', '0:0:0:0:0:FFFF:0a01:0203'],
    ['::ffff:a00:0/104', '10.1.2.3'],
    ['fe80::/10', 'fe80::1%lo'],
    ['::/0', '2001:db8::1'],
    ['0.0.0.0/0', '10.1.2.3'],
  ])('%s have %s', (network, address) => {
    expect(new Networks([network]).has(address)).toBe(true);
  });

  test.each([
    ['10.0.0.0/8', '11.0.0.0'],
    ['::/0', '10.1.2.3'],
    ['::/0', '::ffff:10.1.2.3'],
    ['::/64', '10.1.2.3'],
    ['0.0.0.0/0', '::1'],
    ['0.0.0.0/0', 'localhost'],
  ])('%s have not %s', (network, address) => {
    expect(new Networks([network]).has(address)).toBe(false);
  });
});

test.each([
  ['::ffff:10.1.2.3', '10.1.2.3'],
  ['::FFFF:a01:203', '10.1.2.3'],
  ['fe80::1%eth0', 'fe80::1'],
  ['2001:db8::ffff:1', '2001:db8::ffff:1'],
])('the address %s is %s', (address, plain) => {
  expect(plainAddress(address)).toBe(plain);
});
