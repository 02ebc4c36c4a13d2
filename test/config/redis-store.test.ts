import { homedir } from 'node:os';
import { resolve } from 'node:path';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { loadConfig } from '../../src/config/load.ts';
import type { RedisStoreConfig } from '../../src/config/redis-store.ts';
import { redisUrl } from '../../src/config/redis-url.ts';

/** What flags such as `host=redis port=1` come to, beside an environment. */
function storeOf(line: string, environment: Record<string, string> = {}): RedisStoreConfig {
  const words = line.split(' ').filter((word) => word !== '');
  const flags = words.map((word) => {
    const [, name = '', text = ''] = /^([^=]+)=(.*)$/.exec(word) ?? [];
    const setting = `STORE_REDIS_${name.toUpperCase().replaceAll('-', '_')}`;
    return { name: setting, text, source: `--driver-redis-${name}` };
  });
  const driver = { name: 'STORE_DRIVER', text: 'redis', source: '--driver' };
  return loadConfig({ environment, flags: [driver, ...flags] }).config.store.redis;
}

const one = (host: string, port: number) => ({ kind: 'one', address: { host, port } });

test('nothing said is the original’s Redis: this machine, database 0, forsun:0', () => {
  expect(storeOf('')).toEqual({
    servers: one('127.0.0.1', 6379),
    db: 0,
    username: '',
    password: { text: '', file: '' },
    tls: undefined,
    prefix: 'forsun',
    serverId: 0,
    partitions: undefined,
    leaseSeconds: 15,
  });
});

test('what the original’s flags say is meant here too', () => {
  const line = 'host=redis_1 port=6380 db=3 password=a;b prefix=mine server-id=7';
  expect(storeOf(line)).toMatchObject({
    servers: one('redis_1', 6380),
    db: 3,
    password: { text: 'a;b', file: '' },
    prefix: 'mine',
    serverId: 7,
  });
});

describe('a URL', () => {
  test.each<[string, Partial<RedisStoreConfig> | Record<string, unknown>]>([
    ['url=redis://redis', { servers: one('redis', 6379), db: 0, username: '', tls: undefined }],
    [
      'url=redis://app:p%40ss%2f%3a@10.0.0.2:6380/4',
      {
        servers: one('10.0.0.2', 6380),
        db: 4,
        username: 'app',
        password: { text: 'p@ss/:', file: '' },
      },
    ],
    ['url=redis://:secret@[::1]/', { servers: one('::1', 6379), username: '', db: 0 }],
    [
      'url=rediss://redis.example.com',
      { servers: one('redis.example.com', 6379), tls: { ca: '', cert: '', key: '', name: '' } },
    ],
    ['url=redis://redis port=7000 db=2', { servers: one('redis', 7000), db: 2 }],
    ['url=redis://redis:7000/2 host=redis port=7000 db=2', { servers: one('redis', 7000), db: 2 }],
    [
      'url=rediss://redis tls=yes password-file=/run/redis',
      { password: { text: '', file: '/run/redis' } },
    ],
  ])('%s fills in what it says', (line, expected) => {
    expect(storeOf(line)).toMatchObject(expected);
  });

  test.each([
    'redis://',
    'redis:///1',
    'http://redis',
    'redis:redis',
    'redis://redis:0',
    'redis://redis:65536',
    'redis://redis/a',
    'redis://redis/1/2',
    'redis://redis?db=1',
    'redis://redis#1',
    'redis://a:%zz@redis',
    'redis://re dis',
  ])('%s is refused, and what came is not repeated', (url) => {
    const load = (): unknown => loadConfig({ environment: { FORSUN_STORE_REDIS_URL: url } });
    expect(load).toThrow(
      /^FORSUN_STORE_REDIS_URL: expected redis:\/\/user:password@host:port\/db /,
    );
  });

  test('any user and password come through their escapes', () => {
    const text = fc.string({ unit: 'binary', minLength: 1 });
    fc.assert(
      fc.property(text, text, (username, password) => {
        const userinfo = [username, password].map(encodeURIComponent).join(':');
        expect(redisUrl.parse(`redis://${userinfo}@redis`)).toMatchObject({ username, password });
      }),
    );
  });
});

describe('what cannot all be had is refused by both names', () => {
  test.each([
    ['url=redis://a host=b', '--driver-redis-url and --driver-redis-host exclude each other'],
    ['url=redis://a:1 port=2', '--driver-redis-url and --driver-redis-port exclude each other'],
    ['url=redis://a/1 db=2', '--driver-redis-url and --driver-redis-db exclude each other'],
    ['url=redis://u@a username=v', '--driver-redis-url and --driver-redis-username exclude'],
    ['url=redis://:p@a password=q', '--driver-redis-url and --driver-redis-password exclude'],
    ['url=redis://:p@a password-file=q', 'url and --driver-redis-password-file exclude'],
    ['url=redis://a tls=yes', '--driver-redis-url and --driver-redis-tls exclude each other'],
    ['url=redis://a sentinel=b:1', '--driver-redis-url and --driver-redis-sentinel exclude'],
    ['url=redis://a cluster=b:1', '--driver-redis-url and --driver-redis-cluster exclude'],
    ['host=a cluster=b:1', '--driver-redis-host and --driver-redis-cluster exclude each other'],
    ['port=1 sentinel=b:1', '--driver-redis-port and --driver-redis-sentinel exclude each other'],
    ['sentinel=a:1 cluster=b:1', '--driver-redis-sentinel and --driver-redis-cluster exclude'],
    ['db=1 cluster=b:1', '--driver-redis-db and --driver-redis-cluster exclude each other'],
    ['password=a password-file=b', '-password and --driver-redis-password-file exclude each other'],
    ['tls-ca=a', '--driver-redis-tls-ca needs --driver-redis-tls'],
    ['tls-name=a url=redis://a', '--driver-redis-tls-name needs --driver-redis-tls'],
    ['tls=yes tls-cert=a', '--driver-redis-tls-cert needs --driver-redis-tls-key'],
    ['tls=yes tls-key=a', '--driver-redis-tls-key needs --driver-redis-tls-cert'],
    ['master=a', '--driver-redis-master needs --driver-redis-sentinel'],
    ['sentinel-password=a', '--driver-redis-sentinel-password needs --driver-redis-sentinel'],
  ])('%s', (line, message) => {
    expect(() => storeOf(line)).toThrow(
      expect.objectContaining({ message: expect.stringContaining(message) as string, exitCode: 2 }),
    );
  });

  test('from wherever they come', () => {
    const environment = { FORSUN_STORE_REDIS_HOST: 'a', FORSUN_STORE_REDIS_CLUSTER: 'b:1' };
    expect(() => storeOf('', environment)).toThrow(
      expect.objectContaining({
        message: 'FORSUN_STORE_REDIS_HOST and FORSUN_STORE_REDIS_CLUSTER exclude each other',
        exitCode: 1,
      }),
    );
  });

  test('but not what is as by default anyway, nor for another driver', () => {
    const environment = { FORSUN_STORE_REDIS_HOST: '127.0.0.1', FORSUN_STORE_REDIS_DB: '0' };
    expect(storeOf('cluster=b:1', environment).servers).toMatchObject({ kind: 'cluster' });
    const other = { FORSUN_STORE_REDIS_HOST: 'a', FORSUN_STORE_REDIS_CLUSTER: 'b:1' };
    expect(loadConfig({ environment: other }).config.store.driver).toBe('mem');
  });
});

test('sentinels and nodes of a cluster are addresses with ports, in either family', () => {
  expect(storeOf('sentinel=10.0.0.2:26379,[::1]:1 sentinel-password=x').servers).toEqual({
    kind: 'sentinels',
    addresses: [
      { host: '10.0.0.2', port: 26_379 },
      { host: '::1', port: 1 },
    ],
    master: 'mymaster',
    username: '',
    password: { text: 'x', file: '' },
  });
  expect(storeOf('cluster=a:1;b:2').servers).toEqual({
    kind: 'cluster',
    addresses: [
      { host: 'a', port: 1 },
      { host: 'b', port: 2 },
    ],
  });
  expect(() => storeOf('cluster=a')).toThrow('expected addresses with their ports');
  expect(() => storeOf('cluster=a:0')).toThrow('expected a port from 1 to 65535');
});

test('paths are resolved, and none stays none', () => {
  const { password, tls } = storeOf('tls=on tls-ca=~/ca.pem password-file=redis.password');
  expect(password.file).toBe(resolve('redis.password'));
  expect(tls).toEqual({ ca: `${homedir()}/ca.pem`, cert: '', key: '', name: '' });
});

test.each([
  ['prefix={a}', 'expected at most 128 characters, no blanks and none of {}[]*?'],
  ['prefix=a*', 'expected at most 128 characters'],
  ['partitions=0', 'expected a whole number from 1 to 64, or auto'],
  ['partitions=many', 'expected a whole number from 1 to 64, or auto'],
  ['lease-seconds=4', 'expected a whole number from 5 to 300 seconds'],
  ['tls=perhaps', 'expected yes or no'],
  ['host=a:1', 'expected an address or host name without a port'],
])('%s is refused', (line, message) => {
  expect(() => storeOf(line)).toThrow(message);
});

test('partitions are as the store has them, or as many as are told', () => {
  expect(['partitions=AUTO', 'partitions=8'].map((line) => storeOf(line).partitions)).toEqual([
    undefined,
    8,
  ]);
});

test('an agent goes with a store that others share', () => {
  const environment = { FORSUN_SERVER_MODE: 'AGENT', FORSUN_STORE_DRIVER: 'redis' };
  expect(loadConfig({ environment }).config.scheduler.mode).toBe('agent');
});
