import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { httpAction, httpDefaults } from '../../src/actions/http.ts';
import { nameDefaults, NameError, Names, type NameSettings } from '../../src/actions/names.ts';
import { candidates, parseHosts, parseResolvConf } from '../../src/actions/resolver-files.ts';
import type { Clock } from '../../src/core/time.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { NameServer } from './name-server.ts';
import { Sink } from './sink.ts';
import { fire, network, realClock, RecordedLog, until } from './support.ts';

let server: NameServer;
let directory: string;
const open: Names[] = [];
const six = '2001:0db8:0000:0000:0000:0000:0000:0001';

beforeEach(async () => {
  server = await NameServer.open();
  directory = mkdtempSync(join(tmpdir(), 'forsun-names-'));
  writeFileSync(join(directory, 'hosts'), '');
  writeFileSync(join(directory, 'resolv.conf'), '');
});

afterEach(async () => {
  for (const names of open.splice(0)) names.close();
  await server.close();
  rmSync(directory, { recursive: true });
});

function someNames(clock: Clock = realClock, settings: Partial<NameSettings> = {}): Names {
  const names = new Names(clock, {
    ...nameDefaults,
    hostsFile: join(directory, 'hosts'),
    resolvConf: join(directory, 'resolv.conf'),
    nameServers: [server.address],
    ...settings,
  });
  open.push(names);
  return names;
}

const texts = async (names: Names, name: string): Promise<string[]> =>
  (await names.resolve(name)).map(({ address }) => address);

describe('a name', () => {
  test('has the addresses of both families, IPv4 first', async () => {
    server.zone.set('web A', ['10.0.0.1', '10.0.0.2']).set('web AAAA', [six]);
    expect(await texts(someNames(), 'Web')).toEqual(['10.0.0.1', '10.0.0.2', '2001:db8::1']);
  });

  test('of one family only has that one', async () => {
    server.zone.set('four A', ['10.0.0.1']).set('four AAAA', []);
    server.zone.set('six A', []).set('six AAAA', [six]);
    expect(await texts(someNames(), 'four')).toEqual(['10.0.0.1']);
    expect(await texts(someNames(), 'six')).toEqual(['2001:db8::1']);
  });

  test('whose IPv6 query is never answered is not held up for long', async () => {
    server.zone.set('old A', ['10.0.0.1']);
    const names = someNames(realClock, { timeoutSeconds: 60 });
    expect(await texts(names, 'old')).toEqual(['10.0.0.1']);
  });

  test('that nobody knows is refused with its code', async () => {
    server.zone.set('none A', 3).set('none AAAA', 3);
    await expect(someNames().resolve('none')).rejects.toThrow(new NameError('ENOTFOUND', 'none'));
  });

  test('that is an address, or localhost, asks nobody', async () => {
    const names = someNames();
    expect(await texts(names, '192.0.2.7')).toEqual(['192.0.2.7']);
    expect(await texts(names, '::1')).toEqual(['::1']);
    for (const name of ['localhost', 'LOCALHOST.', 'a.localhost']) {
      expect(await texts(names, name)).toEqual(['127.0.0.1', '::1']);
    }
    expect(server.asked).toEqual([]);
  });

  test('is looked for in the search domains, as resolv.conf says', async () => {
    writeFileSync(join(directory, 'resolv.conf'), 'search a.test. b.test\noptions ndots:2\n');
    for (const name of ['web.a.test', 'web.ns.a.test']) {
      server.zone.set(`${name} A`, 3).set(`${name} AAAA`, 3);
    }
    server.zone.set('web.b.test A', ['10.0.0.9']).set('web.b.test AAAA', []);
    server.zone.set('web.ns.b.test A', ['10.0.0.8']).set('web.ns.b.test AAAA', []);
    server.zone.set('a.b.c A', ['10.0.0.7']).set('a.b.c AAAA', []);
    const names = someNames();
    expect(await texts(names, 'web')).toEqual(['10.0.0.9']);
    expect(await texts(names, 'web.ns')).toEqual(['10.0.0.8']);
    expect(await texts(names, 'a.b.c')).toEqual(['10.0.0.7']);
  });
});

describe('an answer is kept', () => {
  test('as long as it says, between five seconds and a minute', async () => {
    server.zone.set('web A', ['10.0.0.1']).set('web AAAA', []);
    for (const [ttl, kept] of [
      [0, 5],
      [20, 20],
      [86_400, 60],
    ] as const) {
      const clock = new FakeClock();
      const names = someNames(clock);
      server.ttl = ttl;
      server.asked.length = 0;
      await names.resolve('web');
      await clock.advance(kept - 1);
      await names.resolve('web');
      expect(server.asked).toHaveLength(2);
      await clock.advance(1);
      await names.resolve('web');
      expect(server.asked).toHaveLength(4);
    }
  });

  test('for five seconds when it is a refusal', async () => {
    server.zone.set('none A', 3).set('none AAAA', 3);
    const clock = new FakeClock();
    const names = someNames(clock);
    for (const [seconds, asked] of [
      [0, 2],
      [4, 2],
      [1, 4],
    ] as const) {
      await clock.advance(seconds);
      await expect(names.resolve('none')).rejects.toThrow(NameError);
      expect(server.asked).toHaveLength(asked);
    }
  });

  test('and shared by all who ask meanwhile', async () => {
    server.zone.set('web A', ['10.0.0.1']).set('web AAAA', []);
    const names = someNames();
    await Promise.all(Array.from({ length: 100 }, () => names.resolve('web')));
    expect(server.asked.sort()).toEqual(['web A', 'web AAAA']);
  });
});

describe('a name server that never answers', () => {
  test('is given up at the deadline', async () => {
    const names = someNames(realClock, { timeoutSeconds: 0.2 });
    await expect(names.resolve('lost')).rejects.toMatchObject({ code: 'ETIMEOUT' });
  });

  test('delays only its own plans: other names, addresses and files go on', async () => {
    const sink = await Sink.open();
    server.zone.set('web A', ['127.0.0.1']).set('web AAAA', []);
    const names = someNames(realClock, { timeoutSeconds: 20 });
    const http = httpAction(httpDefaults, {
      clock: realClock,
      log: new RecordedLog(),
      version: '0',
      ...network(realClock, names),
    });
    const lost = Array.from({ length: 32 }, (_, index) =>
      fire(http, { url: `http://lost${index}.test/`, connect_timeout: '1' }),
    );
    await until(() => server.asked.length >= 64);
    expect(await fire(http, { url: `http://web:${sink.port}/` })).toEqual({ kind: 'done' });
    expect(await fire(http, { url: sink.url })).toEqual({ kind: 'done' });
    const outcomes = await Promise.all(lost);
    expect(outcomes[7]).toEqual({
      kind: 'retry',
      reason: 'no answer from http://lost7.test: no connection within 1 s',
    });
    await http.close?.();
    await sink.close();
  });

  test('holds nobody up when all is closed', async () => {
    const names = someNames(realClock, { timeoutSeconds: 60 });
    const lookup = names.resolve('lost');
    await until(() => server.asked.length > 0);
    names.close();
    await expect(lookup).rejects.toMatchObject({ code: 'ECANCELLED' });
  });
});

describe('the hosts file', () => {
  test('comes before the name servers, and is read again when it has changed', async () => {
    const clock = new FakeClock();
    const names = someNames(clock);
    writeFileSync(
      join(directory, 'hosts'),
      '# all ours\n10.1.1.1\tWeb web.test # first\n::2 web\n',
    );
    expect(await texts(names, 'web')).toEqual(['10.1.1.1', '::2']);
    expect(await texts(names, 'WEB.test')).toEqual(['10.1.1.1']);
    writeFileSync(join(directory, 'hosts'), '10.1.1.22 web\n');
    await clock.advance(5);
    expect(await texts(names, 'web')).toEqual(['10.1.1.22']);
    rmSync(join(directory, 'hosts'));
    server.zone.set('web A', ['10.0.0.1']).set('web AAAA', []);
    await clock.advance(5);
    expect(await texts(names, 'web')).toEqual(['10.0.0.1']);
  });

  test('is read as hosts(5) says, and what makes no sense is passed over', () => {
    expect([
      ...parseHosts('nonsense web\n\n  10.0.0.1 a A b\r\n10.0.0.1 a\n#10.0.0.2 c\n'),
    ]).toEqual([
      ['a', [{ address: '10.0.0.1', family: 4 }]],
      ['b', [{ address: '10.0.0.1', family: 4 }]],
    ]);
  });
});

describe('resolv.conf', () => {
  test('is read as resolv.conf(5) says', () => {
    expect(parseResolvConf('')).toEqual({ domains: [], ndots: 1 });
    expect(
      parseResolvConf(
        'domain x.test\n;c\nsearch a.test b.test .\noptions rotate ndots:5 ndots:99\n',
      ),
    ).toEqual({ domains: ['a.test', 'b.test'], ndots: 15 });
  });

  test('orders what is asked', () => {
    const rules = { domains: ['a.test', 'b.test.'], ndots: 1 };
    expect(candidates('web', rules)).toEqual(['web.a.test', 'web.b.test', 'web']);
    expect(candidates('web.x', rules)).toEqual(['web.x', 'web.x.a.test', 'web.x.b.test']);
    expect(candidates('web.', rules)).toEqual(['web']);
  });
});

test('a connection is made to a name through it, in both forms of lookup', async () => {
  const sink = await Sink.open();
  server.zone.set('web A', ['127.0.0.1']).set('web AAAA', []);
  const lookup = someNames().lookup((addresses) => addresses);
  for (const autoSelectFamily of [true, false]) {
    const socket = connect({ host: 'web', port: sink.port, lookup, autoSelectFamily });
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.destroy();
  }
  await sink.close();
});
