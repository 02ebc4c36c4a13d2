import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';

import type { Action, Outcome } from '../../src/actions/action.ts';
import { beanstalkAction, beanstalkDefaults } from '../../src/actions/beanstalk.ts';
import { Egress, type EgressSettings } from '../../src/actions/egress.ts';
import { httpAction, httpDefaults } from '../../src/actions/http.ts';
import { mysqlAction, mysqlDefaults } from '../../src/actions/mysql.ts';
import { nameDefaults, Names } from '../../src/actions/names.ts';
import { redisAction, redisDefaults } from '../../src/actions/redis.ts';
import { thriftAction, thriftDefaults } from '../../src/actions/thrift.ts';
import type { Clock } from '../../src/core/time.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { NameServer } from './name-server.ts';
import { Sink } from './sink.ts';
import { fire, network, realClock, RecordedLog } from './support.ts';

const policy = (settings: Partial<EgressSettings> = {}): Egress =>
  new Egress({ allow: [], deny: [], ...settings });

const deps = { clock: realClock, log: new RecordedLog(), version: '1' };

const anHttpAction = (egress: Egress, names?: Names, clock: Clock = realClock): Action => {
  const action = httpAction(httpDefaults, { ...deps, clock, ...network(clock, names, egress) });
  onTestFinished(() => action.close?.());
  return action;
};

type Network = ReturnType<typeof network>;

/** The actions that speak to a server of their own kind, and what a plan of each must have. */
const servers: readonly (readonly [string, (by: Network) => Action, Record<string, string>])[] = [
  ['redis', (by) => redisAction(redisDefaults, { ...deps, ...by }), { command: 'PING' }],
  ['mysql', (by) => mysqlAction(mysqlDefaults, { ...deps, ...by }), { sql: 'DO 1' }],
  ['thrift', (by) => thriftAction(thriftDefaults, { ...deps, ...by }), {}],
  ['beanstalk', (by) => beanstalkAction(beanstalkDefaults, { ...deps, ...by }), { body: 'x' }],
];

describe('without a setting plans', () => {
  test.each([
    ...['127.0.0.1', '::1', '10.1.2.3', '192.168.0.1', '172.16.0.1', 'fd00::1', '100.64.0.1'],
    ...['93.184.216.34', '2606:2800:21f:cb07::1', '::ffff:10.1.2.3', '64:ff9b::5db8:d822'],
  ])('may reach %s', (address) => {
    expect(policy().refusal(address, 80)).toBeUndefined();
  });

  test.each([
    ['169.254.169.254', 'a metadata service'],
    ['fd00:ec2::254', 'a metadata service'],
    ['FD00:0EC2:0::0254', 'a metadata service'],
    ['fd00:c1::a9fe:a9fe', 'a metadata service'],
    ['fd00:42::42', 'a metadata service'],
    ['fe80::a9fe:a9fe', 'a metadata service'],
    ['fd12::5efe:a9fe:a9fe', 'a metadata service'],
    ['100.100.100.200', 'a metadata service'],
    ['192.0.0.192', 'a metadata service'],
    ['169.254.0.1', 'a link-local address'],
    ['fe80::1', 'a link-local address'],
    ['fe80::1%lo', 'a link-local address'],
    ['febf:ffff::1', 'a link-local address'],
    ['224.0.0.1', 'a multicast address'],
    ['239.255.255.250', 'a multicast address'],
    ['ff02::1', 'a multicast address'],
    ['0.0.0.0', 'an unspecified address'],
    ['0.1.2.3', 'an unspecified address'],
    ['::', 'an unspecified address'],
    ['255.255.255.255', 'the broadcast address'],
    ['64:ff9b:1::a9fe:a9fe', 'behind a translator of local use'],
  ])('may not reach %s, %s', (address, what) => {
    expect(policy().refusal(address, 80)).toContain(` is ${what}`);
  });
});

describe('--egress-deny', () => {
  test('closes a network, in whatever form its address comes', () => {
    const egress = policy({ deny: ['10.0.0.0/8', '::1/128'] });
    for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '::ffff:a01:203', '2002:a01:203::1']) {
      expect(egress.refusal(address, 80)).toBe('--egress-deny has 10.1.2.3');
    }
    expect(egress.refusal('::1', 80)).toBe('--egress-deny has ::1');
    expect(egress.refusal('11.0.0.1', 80)).toBeUndefined();
  });

  test('of IPv6 closes none of IPv4', () => {
    const egress = policy({ deny: ['::/0'] });
    expect(egress.refusal('2001:db8::1', 80)).toBe('--egress-deny has 2001:db8::1');
    expect(egress.refusal('10.1.2.3', 80)).toBeUndefined();
  });

  test('closes the networks of translators too', () => {
    const egress = policy({ deny: ['64:ff9b::/96'] });
    expect(egress.refusal('64:ff9b::a01:203', 80)).toBe('--egress-deny has 10.1.2.3');
    expect(egress.refusal('10.1.2.3', 80)).toBeUndefined();
  });

  test('comes before what is allowed', () => {
    const egress = policy({ allow: ['10.0.0.0/8'], deny: ['10.9.0.0/16'] });
    expect(egress.refusal('10.9.0.1', 80)).toBe('--egress-deny has 10.9.0.1');
    expect(egress.refusal('10.8.0.1', 80)).toBeUndefined();
  });
});

describe('--egress-allow', () => {
  test('closes all else', () => {
    const egress = policy({ allow: ['10.0.0.0/8', 'fd00::/8'] });
    for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '64:ff9b::a01:203', 'fd12::1']) {
      expect(egress.refusal(address, 80)).toBeUndefined();
    }
    for (const address of ['127.0.0.1', '::1', '93.184.216.34']) {
      expect(egress.refusal(address, 80)).toBe(`--egress-allow has no network of ${address}`);
    }
  });

  test.each([
    ['169.254.169.254', '169.254.169.254/32'],
    ['fd00:ec2::254', 'fd00:ec2::254/128'],
    ['169.254.7.7', '169.254.7.0/24'],
    ['169.254.7.7', '169.254.0.0/16'],
    ['fe80::1', 'fe80::/64'],
  ])('opens %s when it names %s', (address, network) => {
    expect(policy({ allow: [network] }).refusal(address, 80)).toBeUndefined();
  });

  test.each([
    ['169.254.169.254', '169.254.0.0/16'],
    ['169.254.169.254', '169.254.169.254/31'],
    ['169.254.7.7', '169.0.0.0/8'],
    ['fd00:ec2::254', 'fd00::/8'],
    ['fe80::1', '::/0'],
    ['fe80::a9fe:a9fe', 'fe80::/64'],
    ['0.0.0.0', '0.0.0.0/32'],
    ['224.0.0.1', '224.0.0.1/32'],
    ['255.255.255.255', '0.0.0.0/0'],
  ])('leaves %s closed when it names %s', (address, network) => {
    expect(policy({ allow: [network] }).refusal(address, 80)).toContain(`${address} is `);
  });
});

/** Spellings of 169.254.169.254, which a URL or a plain param may have. */
const metadata = [
  ...['169.254.169.254', '169.254.169.254.', '169.254.43518', '169.16689662', '2852039166'],
  ...[
    '0xa9fea9fe',
    '0xA9.0xFE.0xA9.0xFE',
    '0251.0376.0251.0376',
    '025177524776',
    '169.0xfe.0xa9fe',
  ],
  ...['0xa9.254.0251.254', '%31%36%39.254.169.254', '１６９.254.169.254', '169。254。169。254'],
  ...['①⑥⑨.254.169.254', '[::ffff:169.254.169.254]', '[::ffff:a9fe:a9fe]', '[::169.254.169.254]'],
  ...['[0:0:0:0:0:ffff:a9fe:a9fe]', '[::ffff:0:a9fe:a9fe]', '[64:ff9b::169.254.169.254]'],
  ...['[64:ff9b::a9fe:a9fe]', '[2002:a9fe:a9fe::]', '[2001::5601:5601]', '[64:ff9b:1::a9fe:a9fe]'],
];

/** Spellings of this machine, to be asked at a port of our own. */
const ours = [
  ...['127.0.0.1', '127.1', '127.0.1', '2130706433', '0x7f000001', '017700000001', '0x7f.1'],
  ...['127.255.255.254', '0177.0.0.01', '１２７.0.0.1', '[::1]', '[0:0:0:0:0:0:0:1]'],
  ...['[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::127.0.0.1]', '[::ffff:0:127.0.0.1]'],
  ...['[64:ff9b::7f00:1]', '[2002:7f00:1::]', '0.0.0.0', '0', '0x0', '[::]', '[::ffff:0.0.0.0]'],
];

const names = ['localhost', 'LOCALHOST', 'localhost.', 'a.localhost', 'ｌocalhost'];

const refusedAsMade = (action: Action, url: string): string => {
  try {
    action.prepare(new Map([['url', url]]));
    return 'it was made';
  } catch (error) {
    return String(error);
  }
};

describe('a plan is not made', () => {
  test.each(metadata)('for a metadata service spelled %s', (host) => {
    const refusal = refusedAsMade(anHttpAction(policy()), `http://user:s3cret@${host}/?s3cret`);
    expect(refusal).toMatch(
      /^ForsunError: the param url of the action http leads where no plan may connect: \S+ is (a metadata|behind)/,
    );
    expect(refusal).not.toContain('s3cret');
  });

  test.each(ours)('for a port of our own at this machine spelled %s', (host) => {
    const egress = policy();
    egress.closeOwnPort(6458);
    const http = anHttpAction(egress);
    expect(refusedAsMade(http, `http://${host}:6458/`)).toMatch(
      /may connect: (port 6458 is forsund's own|0\.0\.0\.0 is an unspecified address|:: is)/,
    );
  });

  test('for a port of our own at any address of an interface', () => {
    const egress = policy({ allow: ['0.0.0.0/0', '::/0'] });
    egress.closeOwnPort(6458);
    const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
    expect(addresses.length).toBeGreaterThan(0);
    for (const { address } of addresses) expect(egress.refusal(address, 6458)).toBeDefined();
    expect(egress.refusal('93.184.216.34', 6458)).toBeUndefined();
    expect(egress.refusal('127.0.0.1', 6459)).toBeUndefined();
  });

  test.each(servers)('for an address of %s where no plan may connect', (name, make, params) => {
    const prepare = () =>
      make(network()).prepare(new Map(Object.entries({ ...params, host: '::ffff:a9fe:a9fe' })));
    expect(prepare).toThrow(
      `the param host of the action ${name} leads where no plan may connect: ` +
        '169.254.169.254 is a metadata service; expected another address',
    );
  });
});

const outOfReach = (target: string, why: string): Outcome => ({
  kind: 'failed',
  reason: `${target} is out of reach: ${why}`,
});

describe('a connection', () => {
  let sink: Sink;
  let server: NameServer;
  let directory: string;

  beforeEach(async () => {
    sink = await Sink.open();
    server = await NameServer.open();
    directory = mkdtempSync(join(tmpdir(), 'forsun-egress-'));
    for (const file of ['hosts', 'resolv.conf']) writeFileSync(join(directory, file), '');
  });
  afterEach(async () => {
    await sink.close();
    await server.close();
    rmSync(directory, { recursive: true });
  });

  const stubNames = (clock: Clock = realClock): Names => {
    const stub = new Names(clock, {
      ...nameDefaults,
      hostsFile: join(directory, 'hosts'),
      resolvConf: join(directory, 'resolv.conf'),
      nameServers: [server.address],
    });
    onTestFinished(() => stub.close());
    return stub;
  };

  test.each(names)('is not made to a port of our own at %s', async (host) => {
    const egress = policy();
    egress.closeOwnPort(sink.port);
    const url = `http://${host}:${sink.port}`;
    const http = anHttpAction(egress, stubNames());
    expect(await fire(http, { url })).toEqual(
      outOfReach(new URL(url).origin, `port ${sink.port} is forsund's own`),
    );
    expect(sink.received).toEqual([]);
  });

  test.each([
    ['A', '169.254.169.254', '169.254.169.254'],
    ['AAAA', '0000:0000:0000:0000:0000:ffff:a9fe:a9fe', '169.254.169.254'],
    ['AAAA', '0064:ff9b:0000:0000:0000:0000:a9fe:a9fe', '169.254.169.254'],
    ['AAAA', 'fd00:0ec2:0000:0000:0000:0000:0000:0254', 'fd00:ec2::254'],
  ])('is not made to a name whose %s record is %s', async (type, record, judged) => {
    server.zone.set('evil.test A', []).set('evil.test AAAA', []).set(`evil.test ${type}`, [record]);
    const http = anHttpAction(policy(), stubNames());
    expect(await fire(http, { url: 'http://evil.test/' })).toEqual(
      outOfReach('http://evil.test', `${judged} is a metadata service`),
    );
  });

  test.each(servers)(
    'is not made by %s to a closed port, by whatever name',
    async (name, make, params) => {
      server.zone.set('self.test A', ['127.0.0.1']).set('self.test AAAA', []);
      const egress = policy();
      egress.closeOwnPort(sink.port);
      const action = make(network(realClock, stubNames(), egress));
      onTestFinished(() => action.close?.());
      for (const host of ['localhost', 'self.test']) {
        const port = String(sink.port);
        expect(await fire(action, { ...params, host, port })).toEqual(
          outOfReach(`${name}:${host}:${port}`, `port ${port} is forsund's own`),
        );
      }
      expect(sink.received).toEqual([]);
    },
  );

  test('is made to the addresses of a name that plans may reach, and to no other', async () => {
    server.zone.set('both.test A', ['169.254.169.254', '127.0.0.1', '0.0.0.0']);
    server.zone.set('both.test AAAA', []);
    const http = anHttpAction(policy(), stubNames());
    expect(await fire(http, { url: `http://both.test:${sink.port}/` })).toEqual({ kind: 'done' });
  });

  test('follows the answer that was judged: a name bound anew in between is not asked again', async () => {
    server.ttl = 0;
    server.zone.set('rebound.test A', ['127.0.0.1']).set('rebound.test AAAA', []);
    const clock = new FakeClock();
    const http = anHttpAction(policy({ deny: ['127.0.0.2/32'] }), stubNames(clock), clock);
    const url = `http://rebound.test:${sink.port}`;
    expect(await fire(http, { url })).toEqual({ kind: 'done' });
    expect(server.asked.sort()).toEqual(['rebound.test A', 'rebound.test AAAA']);
    server.zone.set('rebound.test A', ['127.0.0.2']);
    await clock.advance(60);
    expect(await fire(http, { url })).toEqual(outOfReach(url, '--egress-deny has 127.0.0.2'));
    expect(sink.received).toHaveLength(1);
  });

  test.each([
    ['an address', 'http://169.254.169.254/latest', 'http://169.254.169.254'],
    ['a spelling of one', 'http://0xa9fea9fe/latest', 'http://169.254.169.254'],
    ['a name', 'http://evil.test/latest', 'http://evil.test'],
  ])('is not made to where a redirect leads, to %s', async (_, location, origin) => {
    server.zone.set('evil.test A', ['169.254.169.254']).set('evil.test AAAA', []);
    sink.answer = (response) => response.writeHead(302, { Location: location }).end();
    const http = anHttpAction(policy(), stubNames());
    expect(await fire(http, { url: sink.url })).toEqual(
      outOfReach(origin, '169.254.169.254 is a metadata service'),
    );
  });

  test('is not made by a proxy of the environment', async () => {
    process.env['HTTP_PROXY'] = process.env['http_proxy'] = sink.url;
    onTestFinished(() => {
      delete process.env['HTTP_PROXY'];
      delete process.env['http_proxy'];
    });
    const http = anHttpAction(policy(), stubNames());
    const { kind } = await fire(http, { url: 'http://127.0.0.1:1/', connect_timeout: '1' });
    expect(kind).toBe('retry');
    expect(sink.received).toEqual([]);
  });

  test('that has come back to us by an address that no interface tells is left unused', () => {
    const egress = policy();
    expect(egress.refusalOfEnds(ends('172.17.0.1', '172.17.0.1'))).toBeUndefined();
    egress.closeOwnPort(6458);
    expect(egress.refusalOfEnds(ends('172.17.0.1', '172.17.0.1'))).toBe(
      "port 6458 is forsund's own",
    );
    expect(egress.refusalOfEnds(ends('172.17.0.1', '172.17.0.2'))).toBeUndefined();
  });
});

const ends = (localAddress: string, remoteAddress: string) => ({
  localAddress,
  remoteAddress,
  remotePort: 6458,
});
