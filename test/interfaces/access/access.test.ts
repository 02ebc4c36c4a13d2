import { appendFile, chmod, writeFile } from 'node:fs/promises';

import { describe, expect, test } from 'vitest';

import { ForsunError } from '../../../src/core/errors.ts';
import {
  type AccessRules,
  type Admission,
  createAccess,
  isLoopback,
} from '../../../src/interfaces/access/access.ts';
import type { Caller, Wish } from '../../../src/interfaces/access/caller.ts';
import type { Peer } from '../../../src/interfaces/access/peer.ts';
import { formatTokenLine, hashOf, makeToken } from '../../../src/interfaces/access/token-line.ts';
import { Complaints } from '../../../src/interfaces/complaints.ts';
import { Counters } from '../../../src/metrics/counters.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { RecordedLog } from '../../support/recorded-log.ts';
import { aTokenFile } from '../../support/token-file.ts';

/** A server's access, and all it is judged by. */
function anAccess(rules: Partial<AccessRules> = {}, clock = new FakeClock()) {
  const counters = new Counters();
  const log = new RecordedLog();
  const complaints = new Complaints(log, clock);
  const anonymousRole = rules.tokens === undefined ? 'admin' : 'none';
  const all = { trustedNetworks: [], anonymousRole, ...rules } as const;
  const access = createAccess(all, { clock, counters, complaints });
  const meet = (address: string | undefined, shown: Partial<Peer> = {}): Admission =>
    access.admit({ address, isEncrypted: false, hasCertificate: false, ...shown });
  return { meet, counters, log, clock };
}

function callerOf(admission: Admission, token: string): Caller {
  const identity = admission.identify(token);
  if (identity.kind !== 'caller') throw new Error(identity.text);
  return identity.caller;
}

const may = (caller: Caller, wish: Wish): boolean => caller.refusal(wish) === undefined;
const isServed = (admission: Admission): boolean =>
  admission.refusal === undefined && may(admission.caller, { role: 'admin' });
const served = (address: string, ...trustedNetworks: string[]): boolean =>
  isServed(anAccess({ trustedNetworks }).meet(address));

const afar = '203.0.113.7';
const overTls = { isEncrypted: true };

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

  test('a peer on a Unix socket is of this machine', () => {
    expect(isServed(anAccess().meet(undefined))).toBe(true);
  });
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
    const parse = (): unknown => anAccess({ trustedNetworks: [network] });
    expect(parse).toThrow(ForsunError);
    expect(parse).toThrow(JSON.stringify(network));
  });
});

test.each([
  [afar, '203.0.113.7/32'],
  ['::ffff:203.0.113.7', '203.0.113.7/32'],
  ['2001:db8::7', '2001:db8::7/128'],
])('the refusal of %s names the setting that would let it in', (address, network) => {
  const { refusal } = anAccess({ trustedNetworks: ['10.0.0.0/8'] }).meet(address);
  expect(refusal).toContain(`--trust-network ${network}`);
  expect(refusal).toContain(network.split('/')[0]);
});

test('a client certificate is served from anywhere', () => {
  expect(isServed(anAccess().meet(afar, { ...overTls, hasCertificate: true }))).toBe(true);
});

describe('a token', () => {
  const app = { role: 'write' } as const;

  test('is asked of everybody once there is a token file, unless the anonymous role says otherwise', async () => {
    const { tokens } = await aTokenFile({ app });
    for (const [anonymousRole, mayRead, mayWrite] of [
      ['none', false, false],
      ['read', true, false],
      ['write', true, true],
    ] as const) {
      const { meet } = anAccess({ tokens, anonymousRole, trustedNetworks: ['10.0.0.0/8'] });
      for (const admission of [
        meet('127.0.0.1'),
        meet('10.0.0.1'),
        meet(undefined),
        meet(afar, { ...overTls, hasCertificate: true }),
      ]) {
        expect(admission.refusal).toBeUndefined();
        expect(may(admission.caller, { role: 'read' })).toBe(mayRead);
        expect(may(admission.caller, { role: 'write', key: 'k', action: 'http' })).toBe(mayWrite);
        expect(may(admission.caller, { role: 'admin' })).toBe(false);
        expect(admission.caller.seesSecrets).toBe(false);
      }
    }
  });

  test('counts from beyond trusted networks over TLS only', async () => {
    const { tokens, of } = await aTokenFile({ app });
    const { meet } = anAccess({ tokens, anonymousRole: 'read' });
    expect(meet(afar).refusal).toMatch(/a token over TLS.*--trust-network 203\.0\.113\.7\/32/);
    const encrypted = meet(afar, overTls);
    expect(encrypted.refusal).toBeUndefined();
    expect(encrypted.caller.refusal({ role: 'read' })).toMatch(/Bring a token, or/);
    expect(may(callerOf(encrypted, of.app), { role: 'write', key: 'k' })).toBe(true);
  });

  test('is as good as none where there is no token file', () => {
    const { meet, counters } = anAccess();
    expect(callerOf(meet('127.0.0.1'), 'anything').seesSecrets).toBe(true);
    expect(meet(afar, overTls).refusal).toContain('protected mode');
    expect(counters.value('tokens_refused_count')).toBe(0);
  });

  test('of each role does what those before it do, and admin alone sees secrets', async () => {
    const roles = ['read', 'write', 'admin'] as const;
    const { tokens, of } = await aTokenFile({
      read: { role: 'read' },
      write: { role: 'write' },
      admin: { role: 'admin' },
    });
    const admission = anAccess({ tokens }).meet('127.0.0.1');
    const rights = roles.map((holder) => {
      const caller = callerOf(admission, of[holder]);
      return [...roles.map((role) => may(caller, { role })), caller.seesSecrets];
    });
    expect(rights).toEqual([
      [true, false, false, false],
      [true, true, false, false],
      [true, true, true, true],
    ]);
  });

  test('that is kept to a prefix touches and lists no other keys', async () => {
    const { tokens, of } = await aTokenFile({ app: { ...app, prefix: 'order-' } });
    const caller = callerOf(anAccess({ tokens }).meet('127.0.0.1'), of.app);
    const allowed: Wish[] = [
      { role: 'read' },
      { role: 'read', key: 'order-1' },
      { role: 'read', prefix: 'order-' },
      { role: 'read', prefix: 'order-1' },
      { role: 'write', key: 'order-1', action: 'http' },
    ];
    const refused: Wish[] = [
      { role: 'read', key: 'order' },
      { role: 'read', prefix: '' },
      { role: 'read', prefix: 'order' },
      { role: 'write', key: '', action: 'http' },
      { role: 'write', key: 'Order-1', action: 'http' },
    ];
    expect(allowed.filter((wish) => !may(caller, wish))).toEqual([]);
    expect(refused.filter((wish) => may(caller, wish))).toEqual([]);
    const kept = 'app is kept to keys that begin with "order-"';
    expect(caller.refusal({ role: 'write', key: 'x' })).toBe(`${kept}, "x" came`);
    expect(caller.refusal({ role: 'read', prefix: '' })).toBe(`${kept}, all were asked for`);
  });

  test('that is kept to actions makes plans of no others, and may remove any', async () => {
    const { tokens, of } = await aTokenFile({ app: { ...app, actions: ['http', 'redis'] } });
    const caller = callerOf(anAccess({ tokens }).meet('127.0.0.1'), of.app);
    const made = (action: string): Wish => ({ role: 'write', key: 'k', action });
    expect(may(caller, made('http'))).toBe(true);
    expect(may(caller, made('redis'))).toBe(true);
    expect(caller.refusal(made('shell'))).toBe('app may make plans of http, redis, "shell" came');
    expect(may(caller, { role: 'write', key: 'k' })).toBe(true);
  });
});

describe('a wrong token', () => {
  const app = { role: 'write' } as const;
  const wrong = (admission: Admission): string => admission.identify(makeToken()).kind;

  test('is nobody’s, counted, and logged without it', async () => {
    const { tokens } = await aTokenFile({ app });
    const { meet, counters, log } = anAccess({ tokens });
    const guess = makeToken();
    for (const token of [guess, '', 'x', 'x'.repeat(100_000)]) {
      expect(meet('127.0.0.1').identify(token).kind).toBe('unknown');
    }
    expect(counters.value('tokens_refused_count')).toBe(4);
    expect(log.lines).toMatchObject([{ event: 'token_refused', fields: { peer: '127.0.0.1' } }]);
    expect(JSON.stringify(log.lines)).not.toContain(guess);
  });

  test('ten different ones of one place slow it down, to one more in six seconds', async () => {
    const { tokens, of } = await aTokenFile({ app });
    const { meet, clock, counters } = anAccess({ tokens });
    const kinds = Array.from({ length: 12 }, () => wrong(meet(afar, overTls)));
    expect(kinds).toEqual([...Array<string>(10).fill('unknown'), 'too_many', 'too_many']);
    expect(counters.value('tokens_refused_count')).toBe(12);
    expect(meet(afar, overTls).identify(of.app)).toMatchObject({
      kind: 'too_many',
      waitSeconds: 6,
    });
    await clock.advance(6);
    expect(wrong(meet(afar, overTls))).toBe('unknown');
    expect(wrong(meet(afar, overTls))).toBe('too_many');
    await clock.advance(6);
    expect(meet(afar, overTls).identify(of.app).kind).toBe('caller');
  });

  test('that comes again is no further guess: a client with an old token shuts out nobody beside it', async () => {
    const { tokens, of } = await aTokenFile({ app });
    const { meet, counters } = anAccess({ tokens });
    for (const old of [makeToken(), 'too short', 'x'.repeat(100_000)]) {
      for (let calls = 0; calls < 20; calls++) {
        expect(meet('127.0.0.1').identify(old).kind).toBe('unknown');
      }
    }
    expect(counters.value('tokens_refused_count')).toBe(60);
    expect(meet('127.0.0.1').identify(of.app).kind).toBe('caller');
  });

  test('of one place slows no other, an IPv6 one being the first half of its address', async () => {
    const { tokens } = await aTokenFile({ app });
    const { meet } = anAccess({ tokens });
    for (let last = 1; last <= 10; last++) wrong(meet(`2001:db8::${last}`, overTls));
    expect(wrong(meet('2001:db8:0:0:ffff::1', overTls))).toBe('too_many');
    expect(wrong(meet('2001:db8:0:1::1', overTls))).toBe('unknown');
    expect(wrong(meet(afar, overTls))).toBe('unknown');
    expect(wrong(meet('127.0.0.1'))).toBe('unknown');
  });

  test('of somebody else does not shut out a token that was good from the same place', async () => {
    const { tokens, of } = await aTokenFile({ app, other: app });
    const { meet } = anAccess({ tokens });
    callerOf(meet('127.0.0.1'), of.app);
    for (let guesses = 0; guesses < 20; guesses++) wrong(meet('127.0.0.1'));
    expect(meet('127.0.0.1').identify(of.app).kind).toBe('caller');
    expect(meet('127.0.0.1').identify(of.other).kind).toBe('too_many');
  });
});

describe('what a caller may not have', () => {
  const reader = { role: 'read' } as const;

  test('is counted each time, and logged with who it was and why, once a second', async () => {
    const { tokens, of } = await aTokenFile({ reader });
    const { meet, counters, log, clock } = anAccess({ tokens });
    const caller = callerOf(meet(afar, overTls), of.reader);
    for (let calls = 0; calls < 3; calls++) caller.refusal({ role: 'write', key: 'k' });
    await clock.advance(1);
    meet(undefined).caller.refusal({ role: 'read' });
    expect(counters.value('refused_not_allowed_count')).toBe(4);
    expect(log.events()).toEqual(['call_not_allowed', 'call_not_allowed']);
    expect(log.lines.map(({ fields }) => fields)).toMatchObject([
      { peer: afar, reason: 'reader has the role read, this takes write' },
      { peer: 'unix', suppressed: 2 },
    ]);
  });

  test('is neither when it may have it, or nobody is told', async () => {
    const { tokens, of } = await aTokenFile({ reader });
    const { meet, counters, log } = anAccess({ tokens });
    const caller = callerOf(meet('127.0.0.1'), of.reader);
    expect(caller.refusal({ role: 'read' })).toBeUndefined();
    expect([caller.may({ role: 'read' }), caller.may({ role: 'write' })]).toEqual([true, false]);
    expect(counters.value('refused_not_allowed_count')).toBe(0);
    expect(log.lines).toEqual([]);
  });
});

describe('a token file that changes', () => {
  const app = { role: 'write' } as const;

  test('gives and takes rights at once, of callers known already too', async () => {
    const { file, tokens, clock, log, of } = await aTokenFile({ app });
    const { meet } = anAccess({ tokens });
    const caller = callerOf(meet('127.0.0.1'), of.app);
    const more = makeToken();
    const hash = hashOf(more).toString('hex');
    await appendFile(file, `\n# a second one\n  app read sha256:${hash}  keys=x \n`);
    await tokens.check();
    expect(may(callerOf(meet('127.0.0.1'), more), { role: 'read', key: 'x1' })).toBe(true);
    expect(may(caller, { role: 'write', key: 'k' })).toBe(true);

    await writeFile(file, formatTokenLine({ hash, grant: { name: 'app', role: 'admin' } }));
    await tokens.check();
    expect(caller.refusal({ role: 'read' })).toMatch(/^the token is good no longer/);
    expect(meet('127.0.0.1').identify(of.app).kind).toBe('unknown');
    expect(callerOf(meet('127.0.0.1'), more).seesSecrets).toBe(true);
    expect(log.events()).toEqual(['token_file_read', 'token_file_read']);
    expect(clock.pendingTimers).toBe(1);
  });

  test('and cannot be used leaves the tokens before it in force, and says so', async () => {
    const { file, tokens, log, of } = await aTokenFile({ app });
    const { meet } = anAccess({ tokens });
    await appendFile(file, 'nonsense\n');
    await tokens.check();
    await chmod(file, 0o644);
    await tokens.check();
    expect(meet('127.0.0.1').identify(of.app).kind).toBe('caller');
    expect(log.lines.map(({ event, fields }) => [event, fields['reason']])).toEqual([
      ['token_file_unusable', expect.stringMatching(/tokens, line 2: expected NAME ROLE/)],
      ['token_file_unusable', expect.stringMatching(/its mode is 0644.*chmod 600/)],
    ]);
  });
});
