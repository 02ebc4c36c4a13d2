import { afterAll, afterEach, beforeAll } from 'vitest';

import type { Action } from '../../src/actions/action.ts';
import { mysqlAction, mysqlDefaults, type MySQLSettings } from '../../src/actions/mysql.ts';
import { Names } from '../../src/actions/names.ts';
import { MariaDBServer } from '../support/mariadb-server.ts';
import { network, realClock, until } from './support.ts';

/** The password of app. */
export const password = `it's a "s3cret", é`;

/** A MariaDB for the tests of a file, with the database shop and its user app; closed after them. */
export class MySQLRig {
  readonly #opened: (() => Promise<void> | undefined)[] = [];
  #server: MariaDBServer | undefined;

  constructor() {
    beforeAll(async () => {
      this.#server = await MariaDBServer.start();
      await this.query('CREATE DATABASE shop CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci');
      await this.addUser('app', password);
    });
    afterEach(async () => {
      for (const close of this.#opened.splice(0)) await close();
      await until(async () => (await this.sessions()).length === 0);
    });
    afterAll(() => this.#server?.stop());
  }

  get server(): MariaDBServer {
    if (this.#server === undefined) throw new TypeError('not started yet');
    return this.#server;
  }

  async addUser(name: string, secret: string): Promise<void> {
    await this.query(`CREATE USER ${name}@'%' IDENTIFIED BY '${secret.replace("'", "''")}'`);
    await this.query(`GRANT ALL ON *.* TO ${name}@'%'`);
  }

  readonly query: MariaDBServer['query'] = (sql) => this.server.query(sql);

  /** The sessions of all users but the test's own, by number. */
  async sessions(): Promise<number[]> {
    const rows = await this.query(
      `SELECT id FROM information_schema.processlist WHERE user NOT IN ('root', 'system user')`,
    );
    return rows.map(({ id }) => Number(id));
  }

  /** The first column of what a query yields. */
  async column(sql: string): Promise<unknown[]> {
    return (await this.query(sql)).map((row) => Object.values(row)[0] as unknown);
  }

  action(settings: Partial<MySQLSettings> = {}): Action {
    const names = new Names(realClock);
    const action = mysqlAction(
      { ...mysqlDefaults, ...settings },
      { clock: realClock, ...network(realClock, names) },
    );
    this.closeAfterwards({
      async close() {
        await action.close?.();
        names.close();
      },
    });
    return action;
  }

  /** Closes it after the test; returns it. */
  closeAfterwards<T extends { close(): Promise<void> | void }>(thing: T): T {
    this.#opened.push(async () => {
      await thing.close();
    });
    return thing;
  }

  /** The params of a plan of app's; others replace them. */
  plan(sql: string, params: Readonly<Record<string, string>> = {}): Record<string, string> {
    const port = String(this.server.port);
    return { port, db: 'shop', user: 'app', passwd: password, sql, ...params };
  }
}
