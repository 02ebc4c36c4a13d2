import type { Socket } from 'node:net';
import { constants, generateKeyPairSync, privateDecrypt } from 'node:crypto';

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { Action, Outcome, Run } from '../../src/actions/action.ts';
import { mysqlAction, mysqlDefaults, type MySQLSettings } from '../../src/actions/mysql.ts';
import { takesKeyOf } from '../../src/actions/mysql-server-key.ts';
import { Names } from '../../src/actions/names.ts';
import { aFakeMySQL, type Asked, ok, packet, type Reply, scramble } from './fake-mysql.ts';
import { RawServer } from './sink.ts';
import { fire, network, realClock, until } from './support.ts';

const done: Outcome = { kind: 'done' };
const names = new Names(realClock);
let mysql: Action;
let open: RawServer[] = [];
let said: { readonly mock: { readonly calls: unknown[] } }[] = [];

function anAction(settings: Partial<MySQLSettings> = {}): Action {
  const limits = { connectTimeoutSeconds: 0.5, maxResultBytes: 64 * 1024 };
  return mysqlAction(
    { ...mysqlDefaults, ...limits, ...settings },
    { clock: realClock, ...network(realClock, names) },
  );
}

beforeEach(() => {
  mysql = anAction();
  said = (['log', 'warn', 'error', 'trace'] as const).map((way) =>
    vi.spyOn(console, way).mockImplementation(() => undefined),
  );
});

afterEach(async () => {
  await mysql.close?.();
  for (const server of open) {
    await until(() => server.openConnections === 0);
    await server.close();
  }
  open = [];
  // mysql2 says nothing past the log.
  expect(said.flatMap(({ mock }) => mock.calls)).toEqual([]);
  vi.restoreAllMocks();
});

async function against(
  server: Promise<RawServer>,
  sql = 'INSERT sesame',
): Promise<(run?: Partial<Run>) => Promise<Outcome>> {
  const opened = await server;
  open.push(opened);
  const params = { port: String(opened.port), user: 'app', passwd: 'sesame', sql };
  return (run) => fire(mysql, params, run);
}

/** Lets everybody in, and answers a statement as told. */
const toStatement =
  (reply: Reply): Reply =>
  (asked, socket) =>
    asked.body.includes('INSERT') ? reply(asked, socket) : ok(asked);

/** One column, its end and a row; and the end of the rows. */
function aRow(asked: number, isAll: boolean): Buffer {
  const end = (number: number): Buffer => packet(asked + number, [0xfe, 0, 0, 2, 0]);
  const column = [packet(asked + 1, [1]), packet(asked + 2, [3], 'def', Buffer.alloc(20))];
  const row = packet(asked + 4, [1], '1');
  return Buffer.concat([...column, end(3), row, ...(isAll ? [end(5)] : [])]);
}

function drip(socket: Socket, bytes: Buffer): void {
  if (bytes.length > 0) socket.write(bytes.subarray(0, 1), () => drip(socket, bytes.subarray(1)));
}

const noAnswer = (reason: string): Outcome => ({
  kind: 'retry',
  reason: `no answer from mysql:127.0.0.1:${open[0]?.port}: ${reason}`,
});

describe('a server', () => {
  test('is believed when it behaves', async () => {
    const run = await against(aFakeMySQL(ok));
    expect(await run()).toEqual(done);
    expect(await run()).toEqual(done);
  });

  test('that asks for a local file gets nothing, and is cut off', async () => {
    const sent: Buffer[] = [];
    const run = await against(
      aFakeMySQL(
        toStatement((asked, socket) => {
          socket.on('data', (bytes) => sent.push(bytes));
          return packet(asked.number + 1, [0xfb], '/etc/passwd');
        }),
      ),
    );
    expect(await run()).toEqual(noAnswer('it asked for a file of ours'));
    await until(() => open.every((server) => server.openConnections === 0));
    expect(Buffer.concat(sent)).toHaveLength(0);
  });

  test.each<readonly [string, Reply]>([
    ['in the wrong order', ({ number }) => packet(number + 7, [0, 0, 0, 2, 0, 0, 0])],
    ['that is no answer', ({ number }) => packet(number + 1, [0xfe])],
    ['that is empty', ({ number }) => packet(number + 1)],
    ['without its end', ({ number }) => packet(number + 1, [0xff])],
    ['twice', (asked) => Buffer.concat([ok(asked), packet(asked.number + 2, [0xff, 1])])],
  ])('that sends a packet %s does not speak MySQL', async (_, reply) => {
    const run = await against(aFakeMySQL(toStatement(reply)));
    expect(await run()).toEqual(noAnswer('it does not speak MySQL'));
  });

  test('that lets in and breaks at once is no answer, and is not gone to again', async () => {
    let logins = 0;
    const run = await against(
      aFakeMySQL((asked) => {
        logins += 1;
        return Buffer.concat([ok(asked), packet(9, [0])]);
      }),
    );
    expect(await run()).toEqual(noAnswer('it does not speak MySQL'));
    expect(logins).toBe(1);
  });

  test('that says everything byte by byte is understood', async () => {
    const run = await against(
      aFakeMySQL((asked, socket) => {
        drip(socket, asked.body.includes('INSERT') ? aRow(asked.number, true) : ok(asked));
        return undefined;
      }),
    );
    expect(await run()).toEqual(done);
  });

  test('that sends rows for ever, and slowly, is left at the deadline', async () => {
    let rows = 0;
    const slow: Reply = (asked, socket) => {
      const more = (bytes: Buffer): void => {
        if (socket.destroyed) return;
        rows += 1;
        socket.write(bytes, () =>
          setImmediate(more, Buffer.from([2, 0, 0, (4 + rows) % 256, 1, 49])),
        );
      };
      more(aRow(asked.number, false));
      return undefined;
    };
    const run = await against(aFakeMySQL(toStatement(slow)));
    const deadline = new AbortController();
    const outcome = run({ signal: deadline.signal });
    await until(() => rows > 300);
    deadline.abort(new Error('too late'));
    expect(await outcome).toMatchObject({ kind: 'retry' });
  });

  test('that is silent once it has committed has done its work, whatever the deadline', async () => {
    const asked: string[] = [];
    const sessions = new Set<unknown>();
    const reply: Reply = (question, socket) => {
      sessions.add(socket);
      asked.push(question.body.toString('latin1'));
      const isRenewal = question.body.includes('\u0011app');
      return isRenewal && sessions.size === 1 ? undefined : ok(question);
    };
    const run = await against(aFakeMySQL(reply));
    const deadline = new AbortController();
    const outcome = run({ signal: deadline.signal });
    await until(() => asked.some((body) => body.includes('\u0011app')));
    deadline.abort(new Error('too late'));
    expect(await outcome).toEqual(done);
    // The next one waits for the session it left, and takes another when that is given up.
    expect(await run()).toEqual(done);
    expect(sessions.size).toBe(2);
    expect(asked.filter((body) => body.includes('INSERT'))).toHaveLength(2);
  });

  test('that speaks without being asked costs its connection, and no run', async () => {
    let speak = (): unknown => undefined;
    const reply: Reply = (asked, socket) => {
      speak = () => socket.write(packet(asked.number + 2, [0xff, 1]));
      return ok(asked);
    };
    const run = await against(aFakeMySQL(reply));
    expect(await run()).toEqual(done);
    speak();
    await until(() => open.every((server) => server.openConnections === 0));
    expect(await run()).toEqual(done);
  });

  test('that answers without end is cut off', async () => {
    const flood: Reply = (asked, socket) => {
      const part = Buffer.concat([
        Buffer.from([255, 255, 255, asked.number + 1]),
        Buffer.alloc(65_536),
      ]);
      const pour = (): boolean => socket.write(part);
      socket.on('drain', pour);
      pour();
      return undefined;
    };
    const run = await against(aFakeMySQL(toStatement(flood)));
    expect(await run()).toEqual({
      kind: 'failed',
      reason: `the answer of mysql:127.0.0.1:${open[0]?.port} is longer than 65536 bytes`,
    });
  });

  test('that never has enough of the login is given up after the time for it', async () => {
    const again: Reply = ({ number }) =>
      packet(number + 1, [0xfe], 'mysql_native_password\0', scramble, [0]);
    const run = await against(aFakeMySQL(again));
    expect(await run()).toEqual(noAnswer('no login within 0.5 s'));
  });

  test('that wants the password as it is does not get it', async () => {
    const asked: Asked[] = [];
    const reply: Reply = (question) => {
      asked.push(question);
      return packet(question.number + 1, [0xfe], 'mysql_clear_password\0');
    };
    const run = await against(aFakeMySQL(reply));
    expect(await run()).toEqual({
      kind: 'failed',
      reason:
        `refused by mysql:127.0.0.1:${open[0]?.port}: ` +
        'its way to log in is not supported (MYSQL_CLEAR_PASSWORD_NOT_ENABLED)',
    });
    expect(asked.some(({ body }) => body.includes('sesame'))).toBe(false);
  });

  test('that sends anything at any moment is a failed run, and no more', async () => {
    const moments = ['greeting', 'login', 'SET autocommit', 'INSERT', 'COMMIT', '\u0011app'];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...moments),
        fc.uint8Array({ minLength: 1, maxLength: 60 }),
        fc.boolean(),
        async (moment, bytes, isFramed) => {
          const noise = (number: number): Buffer =>
            isFramed ? packet(number, Buffer.from(bytes)) : Buffer.from(bytes);
          let isLogin = true;
          const reply: Reply = (asked, socket) => {
            const isNow = isLogin ? moment === 'login' : asked.body.includes(moment);
            isLogin = false;
            if (!isNow) return ok(asked);
            socket.end(noise(asked.number + 1));
            return undefined;
          };
          const server =
            moment === 'greeting'
              ? RawServer.open((socket) => void socket.end(noise(0)))
              : aFakeMySQL(reply);
          const run = await against(server);
          expect(['done', 'failed', 'retry']).toContain((await run()).kind);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('a server that wants the password by a key of its own', () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = publicKey.export({ type: 'spki', format: 'pem' });

  /** Asks for the key first, and has it sent; then tells the password that came by it. */
  const aKeyServer = (login: string, asksFirst: readonly Buffer[]) => {
    const told: string[] = [];
    const steps = [...asksFirst, packet(0, [1], key)];
    const server = aFakeMySQL((asked) => {
      const step = steps.shift();
      if (step === undefined) {
        if (asked.body.length === 256) told.push(passwordIn(asked.body));
        return ok(asked);
      }
      step.writeUInt8(asked.number + 1, 3);
      return step;
    }, login);
    return { server, told };
  };

  const passwordIn = (body: Buffer): string => {
    const padding = constants.RSA_PKCS1_OAEP_PADDING;
    const mixed = privateDecrypt({ key: privateKey, padding }, body);
    return Buffer.from(mixed.map((byte, at) => byte ^ scramble.readUInt8(at % 20))).toString();
  };

  const switchTo = (login: string): Buffer => packet(0, [0xfe], `${login}\0`, scramble, [0]);
  type Login = readonly [login: string, asksFirst: readonly Buffer[]];
  const wantsMore = packet(0, [1, 4]);
  const switched: readonly Login[] = [
    ['caching_sha2_password', [switchTo('caching_sha2_password'), wantsMore]],
    ['sha256_password', [switchTo('sha256_password')]],
  ];

  test.each<Login>([['caching_sha2_password', [wantsMore]], ...switched])(
    'gets it on loopback, by %s',
    async (login, asksFirst) => {
      const { server, told } = aKeyServer(login, asksFirst);
      const run = await against(server);
      expect(await run()).toEqual(done);
      expect(told).toEqual(['sesame\0']);
    },
  );

  test.each(switched)('does not get it where keys are not taken, by %s', async (login, asks) => {
    const { server, told } = aKeyServer(login, asks);
    mysql = anAction({ serverKey: 'no' });
    const run = await against(server);
    expect(await run()).toEqual({
      kind: 'failed',
      reason:
        `refused by mysql:127.0.0.1:${open[0]?.port}: it wants the password by a key ` +
        'that nobody vouches for (--action-mysql-get-server-public-key)',
    });
    expect(told).toEqual([]);
  });

  test.each([
    ['127.0.0.1', 'auto', true],
    ['127.9.9.9', 'auto', true],
    ['::1', 'auto', true],
    ['::ffff:127.0.0.1', 'auto', true],
    ['10.0.0.1', 'auto', false],
    ['::1:1', 'auto', false],
    ['::ffff:10.127.0.1', 'auto', false],
    [undefined, 'auto', false],
    ['10.0.0.1', 'yes', true],
    ['127.0.0.1', 'no', false],
  ] as const)('at %s, as set to %s: %s', (remoteAddress, serverKey, expected) => {
    expect(takesKeyOf({ remoteAddress }, serverKey)).toBe(expected);
  });
});
