import fc from 'fast-check';
import { expect, test } from 'vitest';

import { ipv4Inside } from '../../src/core/ipv4-inside.ts';

test.each([
  ['::ffff:10.1.2.3', 'IPv4-mapped'],
  ['::ffff:a01:203', 'the same in groups'],
  ['0:0:0:0:0:FFFF:0a01:0203', 'the same in full'],
  ['0::ffff:10.1.2.3', 'the same, partly'],
  ['::ffff:10.1.2.3%lo', 'the same in a zone'],
  ['::ffff:0:a01:203', 'IPv4-translated'],
  ['::10.1.2.3', 'IPv4-compatible'],
  ['64:ff9b::a01:203', 'NAT64'],
  ['64:ff9b:0:0:0:0:10.1.2.3', 'the same in full'],
  ['2002:a01:203::', '6to4'],
  ['2002:a01:203:1:2:3:4:5', 'a network behind 6to4'],
  ['2001:0:c000:201:0:ffff:f5fe:fdfc', 'Teredo'],
  ['2001:db8::5efe:10.1.2.3', 'ISATAP'],
  ['fd00::200:5efe:a01:203', 'ISATAP'],
])('%s leads to 10.1.2.3: %s', (address) => {
  expect(ipv4Inside(address)).toBe('10.1.2.3');
});

test.each(['::1', '0:0:0:0:0:0:0:1', 'fe80::a01:203', '64:ff9b:1::a01:203', '2003:a01:203::'])(
  '%s leads to no IPv4 address',
  (address) => {
    expect(ipv4Inside(address)).toBeUndefined();
  },
);

test.each(['10.1.2.3', '', 'x', '::ffff:10.1.2', '[::1]'])('"%s" is no IPv6 address', (address) => {
  expect(ipv4Inside(address)).toBeUndefined();
});

test('whatever IPv4 address is mapped comes out again', () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      expect(ipv4Inside(`::ffff:${address}`)).toBe(address);
      expect(ipv4Inside(`64:ff9b::${address}`)).toBe(address);
    }),
  );
});

test('any IPv6 address has eight groups, however it is written', () => {
  fc.assert(
    fc.property(fc.ipV6(), (address) => {
      const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1);
      expect(ipv4Inside(address)).toBe(ipv4Inside(canonical));
    }),
  );
});
