import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, onTestFinished } from 'vitest';

import { BeanstalkServer } from '../support/beanstalk-server.ts';
import { aDirectory } from '../support/database.ts';
import { HttpSink } from '../support/http-sink.ts';
import { MariaDBServer } from '../support/mariadb-server.ts';
import { RedisServer } from '../support/redis-server.ts';
import { aNodeReceiver } from '../support/thrift-receivers.ts';

/** What the examples of one section of docs/actions.md meet when they are run. */
export interface Stage {
  /** What stands in an example, and what is really there: a port, a path. Each is met at least once. */
  readonly props: Readonly<Record<string, string>>;
  /** A directory of commands that the server finds before all others. */
  readonly commands?: string;
  /** Passes once every example of the section has had its effect; tried until it does. */
  readonly seen: () => void | Promise<void>;
}

/**
 * By section. To have the examples of another action run, start its server (closed with its test), say
 * which words of the examples stand for it, and look at it for what they have done.
 */
export const stages: Readonly<Record<string, () => Promise<Stage>>> = {
  async shell() {
    const directory = await aDirectory();
    const [commands, app] = [join(directory, 'commands'), join(directory, 'app')];
    const saved = join(directory, 'saved');
    await mkdir(commands);
    await writeFile(join(commands, 'backup.sh'), `#!/bin/sh\necho "$@" > ${saved}\n`);
    await chmod(join(commands, 'backup.sh'), 0o700);
    await mkdir(join(app, 'cache'), { recursive: true });
    await writeFile(join(app, 'cache', 'stale'), '');
    return {
      props: { '/srv/app': app },
      commands,
      async seen() {
        expect(await readFile(saved, 'utf8')).toBe('/home\n');
        expect(await readdir(join(app, 'cache'))).toEqual([]);
      },
    };
  },

  async http() {
    const sink = await HttpSink.open();
    return {
      props: { 'http://localhost:8080/': sink.url() },
      seen() {
        const [hit] = sink.of('order-17');
        expect(hit).toMatchObject({
          method: 'POST',
          url: '/close?order=17',
          body: 'reason=unpaid',
        });
      },
    };
  },

  async redis() {
    const server = await RedisServer.start();
    onTestFinished(() => server.stop());
    const client = server.client();
    return {
      props: { ' redis command=': ` redis port=${server.port} command=` },
      async seen() {
        expect(await client.lrange('jobs', 0, -1)).toEqual(['close order 17']);
        expect(await client.get('closed')).toBe('1');
      },
    };
  },

  async thrift() {
    const receiver = await aNodeReceiver('buffered', 'binary');
    return {
      props: { 'host=orders.internal port=5643': `port=${receiver.port}` },
      seen() {
        expect(receiver.calls).toMatchObject([
          { key: 'order-19', params: { order: '19', reason: 'unpaid', 'forsun.attempt': '1' } },
        ]);
      },
    };
  },

  async beanstalk() {
    const server = await BeanstalkServer.start();
    return {
      props: { ' beanstalk name=': ` beanstalk port=${server.port} name=` },
      async seen() {
        expect((await server.nextJob('orders')).body.toString()).toBe('{"close": 18}');
      },
    };
  },

  async mysql() {
    const server = await MariaDBServer.start();
    onTestFinished(() => server.stop());
    for (const sql of [
      'CREATE DATABASE shop',
      `CREATE USER app@'%' IDENTIFIED BY 'secret'`,
      `GRANT ALL ON shop.* TO app@'%'`,
      'CREATE TABLE shop.carts SELECT 17 AS id',
      'CREATE TABLE shop.reports (fire_id VARCHAR(700) PRIMARY KEY, due DATETIME)',
    ]) {
      await server.query(sql);
    }
    return {
      props: { 'host=localhost': `host=127.0.0.1 port=${server.port}` },
      async seen() {
        expect(await server.query('SELECT * FROM shop.carts')).toEqual([]);
        expect(await server.query('SELECT * FROM shop.reports')).toHaveLength(1);
      },
    };
  },
};
