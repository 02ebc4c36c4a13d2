import type { Connection as Client } from 'mysql2';

import type { Clock } from '../core/time.ts';
import type { Connection } from './connections.ts';
import { ConnectTimeout, type Dial } from './dial.ts';
import { meaningOf, SqlError } from './mysql-errors.ts';
import { type ServerKey, takesKeyOf, withoutKeys } from './mysql-server-key.ts';
import { MySQLStream } from './mysql-stream.ts';

export interface MySQLLogin {
  readonly host: string;
  readonly port: number;
  readonly db: string;
  readonly user: string;
  readonly password: string;
}

export interface MySQLOptions {
  /** For the name and the connection, and again for the login. */
  readonly connectTimeoutSeconds: number;
  /** Bytes read of the answer to one statement. */
  readonly maxResultBytes: number;
  readonly serverKey: ServerKey;
}

const charset = 'utf8mb4_unicode_ci';

/** What mysql2 would offer of itself: files, another meaning of blanks, longer queries and answers. */
const flags = ['-LOCAL_FILES', '-IGNORE_SPACE', '-CLIENT_QUERY_ATTRIBUTES', '-SESSION_TRACK'];

/** Connects and logs in. Rejects as Dial does, with a SqlError, UnknownLogin, KeyRefused or Unanswered. */
export async function openMySQL(
  login: MySQLLogin,
  options: MySQLOptions,
  { clock, dial }: { readonly clock: Clock; readonly dial: Dial },
  signal: AbortSignal,
): Promise<MySQLConnection> {
  const { connectTimeoutSeconds: timeoutSeconds, serverKey } = options;
  // Not before it is needed: it takes 17 MB.
  const { authPlugins, createConnection } = await import('mysql2');
  const { host, port, db: database, user, password } = login;
  const socket = await dial({ host, port, timeoutSeconds, signal });
  const stream = new MySQLStream(socket, options.maxResultBytes);
  const client = createConnection({
    stream,
    user,
    password,
    database,
    charset,
    flags: [...flags],
    ...(takesKeyOf(socket, serverKey) ? {} : { authPlugins: withoutKeys(authPlugins) }),
    connectTimeout: 0, // by the Clock instead
  });
  const connection = new MySQLConnection(client, stream, clock);
  return connection.loggedIn(timeoutSeconds, signal);
}

/** One session at a server: one statement at a time. */
export class MySQLConnection implements Connection {
  readonly #client: Client;
  readonly #stream: MySQLStream;
  readonly #clock: Clock;
  #failure: Error | undefined;
  /** Rejects what waits for an answer. */
  #reject: ((error: Error) => void) | undefined;
  #renewal = Promise.resolve(true);

  constructor(client: Client, stream: MySQLStream, clock: Clock) {
    this.#client = client;
    this.#stream = stream;
    this.#clock = clock;
    client.on('error', (error: Error) => this.#fail(meaningOf(error)));
  }

  get isUsable(): boolean {
    return this.#failure === undefined;
  }

  /** Resolves when the server has let us in; ends the connection when it does not, or not in time. */
  async loggedIn(timeoutSeconds: number, signal: AbortSignal): Promise<this> {
    const giveUp = (): void => this.end();
    signal.addEventListener('abort', giveUp);
    try {
      await this.#within(timeoutSeconds, (answered) => {
        this.#client.once('connect', () => answered());
      });
      return this;
    } catch (error) {
      this.#fail(error);
      throw error;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  /** Runs one statement and drops its rows. After a SqlError the connection is usable still. */
  query(sql: string): Promise<void> {
    return this.#answer((answered) => {
      this.#stream.ask(sql, answered);
    });
  }

  /**
   * Begins to make the session what it was after its login: no transaction, locks, variables, temporary
   * tables, other database. A connection that cannot be renewed within that time is ended.
   */
  renew(timeoutSeconds: number): void {
    // Unlike a reset this undoes USE, and the server does what it does for each new session.
    const renewal = this.#within(timeoutSeconds, (answered) =>
      this.#client.changeUser({}, answered),
    );
    this.#renewal = renewal.then(
      () => true,
      (error: unknown) => {
        this.#fail(error);
        return false;
      },
    );
  }

  /** True once the session is as after its login; false when it could not be made so. */
  isNew(): Promise<boolean> {
    return this.#renewal;
  }

  end(): void {
    if (this.isUsable && this.#reject === undefined) this.#client.end(); // says goodbye
    this.#fail(new Error('ended'));
  }

  async #within(seconds: number, ask: Question): Promise<void> {
    const cancelTimeout = this.#clock.after(seconds * 1000, () => {
      this.#fail(new ConnectTimeout(`no login within ${seconds} s`));
    });
    try {
      await this.#answer(ask);
    } finally {
      cancelTimeout();
    }
  }

  /** mysql2 forgets a question when the connection fails, so its failure is ours to tell. */
  async #answer(ask: Question): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#reject = reject;
        ask((error) => {
          if (error instanceof Error) reject(meaningOf(error));
          else resolve();
        });
      });
    } catch (error) {
      if (!(error instanceof SqlError)) this.#fail(error);
      throw error;
    } finally {
      this.#reject = undefined;
    }
  }

  #fail(error: unknown): void {
    if (!this.isUsable) return;
    this.#failure = error instanceof Error ? error : new TypeError('no error');
    const waiting = this.#reject;
    this.#client.destroy();
    if (waiting === undefined) return;
    waiting(this.#failure);
    this.#stream.destroy(); // what it has yet to send is of no use
  }
}

type Question = (answered: (error?: Error | null) => void) => void;
