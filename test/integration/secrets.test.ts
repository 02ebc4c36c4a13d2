import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';

import { expect, onTestFinished, test, vi } from 'vitest';

import { RawServer, Sink } from '../actions/sink.ts';
import { aDirectory } from '../support/database.ts';
import { BeanstalkServer } from '../support/beanstalk-server.ts';
import { eventuallyPasses } from '../support/eventually.ts';
import { aStore, ForsundProcess } from '../support/forsund-process.ts';
import { MariaDBServer } from '../support/mariadb-server.ts';
import { RedisServer } from '../support/redis-server.ts';
import { aNodeReceiver } from '../support/thrift-receivers.ts';

vi.setConfig({ testTimeout: 60_000 });

/** In every param that may hold one, in every form that travels. */
const secret = 's3cret';
const forms = [secret, Buffer.from(`${secret}:${secret}`).toString('base64'), '%733cret'];

const args = ['--log-level', 'debug', '--action-retry-delay-seconds', '1'];
const env = { FORSUN_ACTION_MYSQL_PASSWD: secret };
const once = { second: 0, count: 1 };

test('no secret of a plan shows in a refusal', async () => {
  const forsund = await ForsundProcess.start({ store: await aStore(), args, env });
  const client = forsund.client();
  const url = `http://${secret}:${secret}@127.0.0.1/?token=${secret}`;
  const long = secret.repeat(100_000);
  const refused = [
    ['http', { url: `ftp://${secret}@localhost/` }],
    ['http', { url: `http://${secret}:${secret}@[/` }],
    ['http', { url: `http://${secret}%3A:x@localhost/`, body: secret }],
    ['http', { url, method: 'NO', header_authorization: `Bearer ${secret}` }],
    ['http', { url, header_authorization: `Bearer ${secret}\r\n` }],
    ['http', { url, 'header_x y': secret }],
    ['http', { url: 'http://localhost/', auth_username: `${secret}:`, auth_password: secret }],
    ['http', { url: 'http://localhost/', auth_username: `${secret}\n`, auth_mode: 'digest' }],
    ['http', { url, request_timeout: '-1' }],
    ['http', { url, body: long }],
    ['shell', { env: secret }],
    ['shell', { cmd: `echo ${secret}\0` }],
    ['shell', { cmd: long }],
    ['shell', { cmd: `echo ${secret}`, env: secret }],
    ['shell', { cmd: `echo ${secret}`, env: `A=${secret}\0` }],
    ['shell', { cmd: `echo ${secret}`, 'forsun.retries': '-1' }],
    ['thrift', { token: secret, protocol: 'json' }],
    ['thrift', { token: secret, max_connections: '0' }],
    ['beanstalk', { body: secret, name: 'a tube' }],
    ['beanstalk', { body: secret, ttr: '0' }],
    ['redis', { command: `SET a ${secret}; MONITOR`, password: secret }],
    ['redis', { command: `SET a ${secret}`, password: secret, port: '0' }],
    ['mysql', { sql: `DO '${secret}'`, passwd: `${secret}\0` }],
    ['mysql', { sql: `DO '${secret}'`, passwd: secret, port: '0' }],
    ['nothing', { cmd: `echo ${secret}`, url }],
  ] as const;
  for (const [action, params] of refused) {
    const made = client.createTimeout({ key: 'k', ...once, action, params });
    const refusal = await made.then(
      () => 'it was taken',
      (error: unknown) => String(error),
    );
    expect(refusal).toMatch(/^ForsunPlanError/);
    expect(refusal).not.toContain(secret);
  }
  expectNone(forsund.output);
});

test('no secret of a plan shows in the log, in info or among the failures, however it fails', async () => {
  const sink = await Sink.open();
  onTestFinished(() => sink.close());
  const locations: Readonly<Record<string, string>> = {
    '/loop': `/loop?token=${secret}`,
    '/away': `ftp://${secret}:${secret}@localhost/${secret}`,
    '/gone': `http://${secret}:${secret}@127.0.0.1:1/?token=${secret}`,
  };
  sink.answer = (response, { path }) => {
    const { pathname } = new URL(path, sink.url);
    const location = locations[pathname];
    const challenge = `Digest realm="${secret}", nonce="1"`;
    if (location !== undefined) response.writeHead(302, { Location: location });
    else response.writeHead(Number(pathname.slice(1)), { 'WWW-Authenticate': challenge });
    response.end(secret);
  };
  const garbage = await RawServer.open((socket) => socket.end(`${secret}\r\n${secret}\r\n\r\n`));
  const silent = await RawServer.open(() => undefined);
  onTestFinished(() => garbage.close());
  onTestFinished(() => silent.close());
  const secure = await aSelfSignedServer();

  const origins = {
    ...{ '/500': sink.url, '/404': sink.url, '/401': sink.url, '/429': sink.url },
    ...{ '/loop': sink.url, '/away': sink.url, '/gone': sink.url },
    ...{ '/garbage': garbage.url, '/silent': silent.url, '/refused': 'http://127.0.0.1:1' },
    ...{ '/secure': secure, '/unnamed': 'http://nowhere.invalid' },
  };
  const params = {
    ...{ body: secret, user_agent: 'x', header_authorization: `Bearer ${secret}` },
    ...{ header_cookie: secret, auth_username: secret, auth_password: secret },
    ...{ connect_timeout: '1', request_timeout: '2', 'forsun.retries': '1' },
  };
  const withSecrets = (origin: string): string => origin.replace('//', `//${secret}:${secret}@`);
  const http = Object.entries(origins).flatMap(([path, origin]) =>
    ['basic', 'digest'].map((mode) => ({
      action: 'http',
      key: `${path} ${mode}`,
      params: {
        ...params,
        auth_mode: mode,
        method: 'POST',
        url: `${withSecrets(origin)}${path}?token=${secret}#${secret}`,
      },
    })),
  );
  const variable = `A=${secret}`;
  const shell = [
    { key: 'exit', params: { cmd: `: ${secret}; exit 3`, env: variable } },
    { key: 'signal', params: { cmd: `: ${secret}; kill -9 $$`, env: variable } },
    { key: 'directory', params: { cmd: `: ${secret}`, cwd: '/no/such/place', env: variable } },
    { key: 'late', params: { cmd: `: ${secret}; sleep 60`, env: variable, 'forsun.timeout': '1' } },
  ].map((plan) => ({ ...plan, action: 'shell' }));
  const database = await RedisServer.start();
  onTestFinished(() => database.stop());
  const command = `SET ${secret} ${secret} ${secret}`; // an error that quotes would quote it
  const redis = [
    { key: 'redis error', params: { port: String(database.port), command } },
    { key: 'redis password', params: { port: String(database.port), command, password: secret } },
    { key: 'redis refused', params: { port: '1', command, username: secret, password: secret } },
    { key: 'redis garbage', params: { port: String(garbage.port), command, password: secret } },
    { key: 'redis silent', params: { port: String(silent.port), command, 'forsun.timeout': '1' } },
  ].map(({ key, params }) => ({
    ...{ key, action: 'redis' },
    params: { ...params, 'forsun.retries': '1' },
  }));
  const tables = await MariaDBServer.start();
  onTestFinished(() => tables.stop());
  const sql = `INSERT INTO ${secret} VALUES ('${secret}')`;
  const mysql = [
    { key: 'mysql error', params: { port: String(tables.port), db: 'mysql', user: 'root' } },
    { key: 'mysql syntax', params: { port: String(tables.port), user: 'root', sql: secret } },
    { key: 'mysql password', params: { port: String(tables.port), passwd: secret } },
    { key: 'mysql user', params: { port: String(tables.port), user: secret, passwd: secret } },
    { key: 'mysql database', params: { port: String(tables.port), user: 'root', db: secret } },
    { key: 'mysql refused', params: { port: '1', passwd: secret } },
    { key: 'mysql garbage', params: { port: String(garbage.port), passwd: secret } },
    { key: 'mysql silent', params: { port: String(silent.port), 'forsun.timeout': '1' } },
  ].map(({ key, params }) => ({
    ...{ key, action: 'mysql' },
    params: { sql, ...params, 'forsun.retries': '1' },
  }));
  const raising = await aNodeReceiver('buffered', 'binary');
  const queue = await BeanstalkServer.start('-z', '1');
  const thrift = [
    { key: 'raise', port: raising.port },
    { key: 'thrift garbage', port: garbage.port },
    { key: 'thrift refused', port: 1 },
  ].map((plan) => ({ ...plan, action: 'thrift', params: { token: secret } }));
  const beanstalk = [
    { key: 'beanstalk too big', port: queue.port },
    { key: 'beanstalk garbage', port: garbage.port },
    { key: 'beanstalk refused', port: 1 },
  ].map((plan) => ({ ...plan, action: 'beanstalk', params: { body: secret, name: secret } }));
  const calls = [...thrift, ...beanstalk].map(({ key, port, action, params }) => ({
    ...{ key, action },
    params: { ...params, port: String(port), 'forsun.retries': '1' },
  }));
  const plans = [...http, ...shell, ...redis, ...mysql, ...calls];

  const forsund = await ForsundProcess.start({ store: await aStore(), args, env });
  const client = forsund.client();
  await Promise.all(plans.map((plan) => client.createTimeout({ ...once, ...plan })));
  connect(forsund.port, '127.0.0.1').end(`POST /?token=${secret} HTTP/1.1\r\n\r\n${secret}`);
  await eventuallyPasses(async () => expect(await client.getKeys()).toEqual([]));
  await eventuallyPasses(() => expect(forsund.output).toContain('thrift_broken_message'));

  const failures = await client.getFailures();
  expect(failures).toHaveLength(plans.length);
  expectNone(JSON.stringify(failures));
  expect(forsund.output).toMatch(/firing_failed .* reason=/);
  expect(forsund.output).not.toContain('Warning'); // of Node's own
  expectNone(forsund.output);
  expectNone([...(await client.info())].join());
});

test('what params refer to reaches the target, and no refusal, failure, plan or log', async () => {
  const sink = await Sink.open();
  onTestFinished(() => sink.close());
  sink.answer = (response, { path }) => response.writeHead(path === '/done' ? 200 : 404).end();
  const directory = await aDirectory();
  writeFileSync(join(directory, 'token'), `${secret}\n`);
  const file = `\${file:${join(directory, 'token')}}`;
  const forsund = await ForsundProcess.start({
    store: await aStore(),
    args: [...args, '--secret-env', 'API_*', '--secret-dir', directory],
    env: { API_TOKEN: secret, OTHER: secret },
  });
  const client = forsund.client();
  const bearer = { header_authorization: 'Bearer ${env:API_TOKEN}', header_x: file };
  const plans = {
    done: { url: `${sink.url}/done`, ...bearer },
    refused: { url: `${sink.url}/404`, ...bearer },
    unreached: { url: 'http://127.0.0.1:1/?t=${env:API_TOKEN}', ...bearer, 'forsun.retries': '0' },
    missing: { url: sink.url, header_x: '${env:API_GONE}' },
    unread: { url: sink.url, header_x: `\${file:${directory}/gone}` },
  };
  for (const [key, params] of Object.entries(plans)) {
    const { params: answered } = await client.createTimeout({
      ...once,
      key,
      action: 'http',
      params,
    });
    expect(Object.fromEntries(answered)).toEqual(params);
  }
  const params = { url: sink.url, header_x: '${env:OTHER}' };
  await expect(client.createTimeout({ ...once, key: 'k', action: 'http', params })).rejects.toThrow(
    'the param "header_x" has "${env:OTHER}", which no plan may have',
  );
  await eventuallyPasses(async () => expect(await client.getKeys()).toEqual([]));

  const done = sink.received.find(({ path }) => path === '/done');
  expect(done?.headers).toMatchObject({ authorization: `Bearer ${secret}`, x: secret });
  const reasons = new Map((await client.getFailures()).map(({ key, reason }) => [key, reason]));
  expect([...reasons.keys()].sort()).toEqual(['missing', 'refused', 'unreached', 'unread']);
  expect(reasons.get('missing')).toBe('${env:API_GONE} is not set');
  expect(reasons.get('unread')).toContain('cannot be read (ENOENT)');
  expectNone(JSON.stringify([...reasons]));
  expectNone(forsund.output);
});

function expectNone(text: string): void {
  for (const form of forms) expect(text).not.toContain(form);
}

async function aSelfSignedServer(): Promise<string> {
  const certificate = readFileSync('test/actions/fixtures/localhost.pem', 'utf8');
  const server = createServer({ key: certificate, cert: certificate }, (_, response) => {
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise((resolve) => void server.close(() => resolve())));
  return `https://localhost:${(server.address() as AddressInfo).port}`;
}
