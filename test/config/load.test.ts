import { homedir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { allSettings, loadConfig, type Sources } from '../../src/config/load.ts';
import { obsoleteSettings } from '../../src/config/obsolete.ts';

const conf = (text: string): Sources => ({ conf: { file: 'forsun.conf', text } });
const flag = (name: string, text: string, flagName: string): Sources => ({
  flags: [{ name, text, source: `--${flagName}` }],
});

describe('defaults', () => {
  test('are forsun’s where it has them', () => {
    const { config, warnings } = loadConfig({});
    expect(warnings).toEqual([]);
    expect(config).toMatchObject({
      thrift: { bind: '127.0.0.1', port: 6458, maxInFlight: 128, maxMessageBytes: 4 * 1024 ** 2 },
      access: { trustNetworks: [], tokenFile: '', anonymousRole: 'auto' },
      store: { driver: 'mem', sync: 'always', statusKeepSeconds: 0 },
      action: { shell: { allow: 'auto', cwd: '/tmp' }, retry: { delaySeconds: 3, maxCount: 3 } },
      scheduler: { timezone: 'UTC' },
      log: { file: '-', level: 'info', rotate: { kind: 'never' }, backupCount: 64 },
    });
    expect(config.store.directory).toBe(join(homedir(), '.forsun/store'));
  });

  test('pass when given by hand, from any source', () => {
    for (const { name, flag: flagName, default: byDefault } of allSettings) {
      const byHand = loadConfig({
        environment: { [`FORSUN_${name}`]: byDefault },
        flags: [{ name, text: byDefault, source: `--${flagName}` }],
      });
      expect(byHand).toEqual(loadConfig({}));
    }
  });
});

describe('precedence', () => {
  test('flags win over the environment, it over the file, it over defaults', () => {
    const file = conf('port = 1');
    const environment = { FORSUN_PORT: '2' };
    const flags = flag('PORT', '3', 'port');
    expect(loadConfig(file).config.thrift.port).toBe(1);
    expect(loadConfig({ ...file, environment }).config.thrift.port).toBe(2);
    expect(loadConfig({ ...file, environment, ...flags }).config.thrift.port).toBe(3);
  });

  test('an empty value leaves a setting as it was', () => {
    const sources = { ...conf('port = 1'), environment: { FORSUN_PORT: '' } };
    expect(loadConfig(sources).config.thrift.port).toBe(1);
  });
});

describe('what cannot be used is refused by name', () => {
  test.each<[string, Sources, string]>([
    [
      'a flag',
      flag('PORT', 'abc', 'port'),
      '--port: "abc" came, expected a whole number from 0 to 65535',
    ],
    [
      'a variable',
      { environment: { FORSUN_PORT: '70000' } },
      'FORSUN_PORT: "70000" came, expected a whole number from 0 to 65535',
    ],
    [
      'a conf key',
      conf('\n[store]\nmem_sync = often'),
      'mem_sync in forsun.conf:3: "often" came, expected always, everysec or never',
    ],
    [
      'a network',
      { environment: { FORSUN_TRUST_NETWORK: '10.0.0.0/8,10.0.0/8' } },
      'FORSUN_TRUST_NETWORK: "10.0.0.0/8,10.0.0/8" came, expected networks such as 10.0.0.0/8 or fd00::/8',
    ],
    [
      'a name server',
      { environment: { FORSUN_ACTION_NAME_SERVERS: '10.0.0.2,ns.example.com' } },
      'FORSUN_ACTION_NAME_SERVERS: "10.0.0.2,ns.example.com" came, expected addresses of name servers, with a port or without: 10.0.0.2 or [::1]:5353',
    ],
    [
      'a zone',
      conf('timezone = Mars/Olympus'),
      'timezone in forsun.conf:1: "Mars/Olympus" came, expected a time zone name such as UTC, Europe/Berlin or Asia/Shanghai',
    ],
    [
      'an offset as zone',
      conf('timezone = +08:00'),
      'timezone in forsun.conf:1: "+08:00" came, expected a time zone name such as UTC, Europe/Berlin or Asia/Shanghai',
    ],
    [
      'an unknown conf key',
      conf('prot = 1'),
      'forsun.conf:1: no setting is called "prot"; did you mean port?',
    ],
    [
      'a key in the wrong section',
      conf('[store]\nport = 1'),
      'forsun.conf:2: no setting is called "port" in [store]; it belongs before the first section',
    ],
    [
      'an unknown section',
      conf('[stores]'),
      'forsun.conf:1: no section is called "[stores]"; there are [store], [action], [extension] and [extension.NAME]',
    ],
    [
      'a line that sets nothing',
      conf('port'),
      'forsun.conf:1: expected "key = value", came "port"',
    ],
    [
      'a key given twice',
      conf('port = 1\nPort = 2'),
      'forsun.conf:2: "port" is set a second time, first in line 1',
    ],
    [
      'an address without its port',
      flag('HTTP_BIND', '0.0.0.0', 'http'),
      '--http: "0.0.0.0" came, expected an address and a port, as 127.0.0.1:9002 or [::1]:9002, or unix:/path',
    ],
    [
      'an origin with a path',
      flag('HTTP_ORIGIN', 'https://a.example/b', 'http-origin'),
      '--http-origin: "https://a.example/b" came, expected origins such as https://ops.example.com',
    ],
    [
      'a driver',
      flag('STORE_DRIVER', '-', 'driver'),
      '--driver: "-" came, expected mem, redis, or the driver of an extension',
    ],
    [
      'an agent on a store of its own',
      { environment: { FORSUN_SERVER_MODE: 'AGENT' } },
      'FORSUN_SERVER_MODE: an agent never fires, and nobody else can for the store mem; it goes with --driver redis',
    ],
  ])('%s', (_what, sources, message) => {
    expect(() => loadConfig(sources)).toThrow(message);
  });

  test('a command line at fault is a usage error, anything else is not', () => {
    const exitCode = (sources: Sources): unknown => {
      try {
        return loadConfig(sources);
      } catch (error) {
        return (error as { exitCode: number }).exitCode;
      }
    };
    expect(exitCode(flag('PORT', 'x', 'port'))).toBe(2);
    expect(exitCode(conf('port = x'))).toBe(1);
  });
});

describe('forsun.conf', () => {
  test('holds every setting of forsun under forsun’s section and key', () => {
    const example = `
# forsun's example
bind_address = 127.0.0.1
port = 6458
http_bind =
server_mode = TIMER
log_level = WARNING
log_rotate = DAY

[store]
driver = mem
status_expried = 5
mem_store_file = /var/lib/forsun/store
redis_host = 127.0.0.1
redis_password =
redis_bulk_size = 5

[action]
retry_max_count : 5
shell_cwd = /srv
http_user_agent = mine/1.0

[extension]
path =
extensions =
`;
    const { config, warnings } = loadConfig(conf(example));
    expect(warnings).toEqual([]);
    expect(config.log).toMatchObject({ level: 'warn', rotate: { kind: 'day' } });
    expect(config.store).toMatchObject({
      statusKeepSeconds: 5,
      directory: '/var/lib/forsun/store',
    });
    expect(config.action).toMatchObject({
      retry: { maxCount: 5 },
      shell: { cwd: '/srv' },
      http: { userAgent: 'mine/1.0' },
    });
  });

  test('every character of a value stands for itself', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom('a', 'b', ' ', '%', ';', '#', '=', ':', '"', "'", '[', ']', '\\'),
        }),
        (value) => {
          const text = `[action]\nhttp_user_agent = x${value}x`;
          expect(loadConfig(conf(text)).config.action.http.userAgent).toBe(`x${value}x`);
        },
      ),
    );
  });

  test('reads the same with other line ends, a byte order mark, and comments', () => {
    const text = '\uFEFF; first\r\nport = 7\r\n  # second\r\n\r\n[store]\r\nmem_sync = never\r\n';
    const { config } = loadConfig(conf(text));
    expect([config.thrift.port, config.store.sync]).toEqual([7, 'never']);
  });

  test('what has lost its meaning is warned of, not refused', () => {
    const { warnings } = loadConfig(conf('[store]\nmem_time_rate = 2'));
    expect(warnings).toEqual([
      'mem_time_rate in forsun.conf:2 has no effect: every change is on disk before it is answered',
    ]);
  });

  test('a doubled percent sign, which forsun needed, is warned of', () => {
    const { config, warnings } = loadConfig(conf('[action]\nhttp_user_agent = 100%%'));
    expect(config.action.http.userAgent).toBe('100%%');
    expect(warnings).toHaveLength(1);
  });
});

describe('the environment', () => {
  test('unknown FORSUN_ variables are one warning', () => {
    const environment = { FORSUN_PROT: '1', FORSUN_COLOUR: 'x', PORT: '1' };
    expect(loadConfig({ environment }).warnings).toEqual([
      'ignored, because no setting is called so: FORSUN_PROT (did you mean FORSUN_PORT?), FORSUN_COLOUR',
    ]);
  });

  test('what commands, Kubernetes and PaaS hosts set moves nothing', () => {
    const environment = {
      FORSUN_KEY: 'k',
      FORSUN_TIMESTAMP: '1700000000',
      FORSUN_FIRE_ID: 'k:1:1700000000',
      FORSUN_ATTEMPT: '1',
      FORSUN_SERVICE_HOST: '10.0.0.1',
      FORSUN_SERVICE_PORT: '6458',
      FORSUN_SERVICE_PORT_THRIFT: '6458',
      FORSUN_PORT: 'tcp://10.0.0.1:6458',
      FORSUN_PORT_6458_TCP_ADDR: '10.0.0.1',
      PORT: '80',
      BIND_ADDRESS: '0.0.0.0',
      LOG_LEVEL: 'DEBUG',
    };
    expect(loadConfig({ environment })).toEqual(loadConfig({}));
  });

  test('a name server is an address, with a port or without, in either family', () => {
    const serversOf = (text: string): readonly string[] =>
      loadConfig(conf(`[action]\nname_servers = ${text}`)).config.action.nameServers;
    const servers = ['10.0.0.2', '10.0.0.2:5353', '::1', '[::1]:53'];
    expect(serversOf(servers.join(', '))).toEqual(servers);
    for (const bad of ['10.0.0.2:0', '10.0.0.2:65536', '[10.0.0.2]:53', '10.0.0', '[::1]', 'a:53'])
      expect(() => serversOf(bad)).toThrow(bad);
  });

  test('a list is separated by commas; an address alone is a network of one', () => {
    const environment = { FORSUN_TRUST_NETWORK: '10.0.0.0/8, 192.168.1.7,::1' };
    expect(loadConfig({ environment }).config.access.trustNetworks).toEqual([
      '10.0.0.0/8',
      '192.168.1.7/32',
      '::1/128',
    ]);
  });
});

test('no two settings share a name or a flag', () => {
  const names = [...allSettings, ...obsoleteSettings].map(({ name }) => name);
  const flags = allSettings.map(({ flag: one }) => one);
  expect(new Set(names).size).toBe(names.length);
  expect(new Set(flags).size).toBe(flags.length);
});

test('whatever a variable holds, it is used or refused in one line', () => {
  const variables = allSettings.map(({ name }) => `FORSUN_${name}`);
  fc.assert(
    fc.property(fc.constantFrom(...variables), fc.string(), (variable, value) => {
      try {
        loadConfig({ environment: { [variable]: value } });
      } catch (error) {
        expect(error).toMatchObject({ name: 'SettingError', exitCode: 1 });
        expect((error as Error).message).toMatch(new RegExp(`^${variable}: [^\\n]*$`));
      }
    }),
  );
});
