import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { type Connection, Connections } from '../../src/actions/connections.ts';
import { FakeClock } from '../support/fake-clock.ts';

class ProbeConnection implements Connection {
  readonly identity: string;
  isUsable = true;
  ends = 0;

  constructor(identity: string) {
    this.identity = identity;
  }

  end(): void {
    this.isUsable = false;
    this.ends += 1;
  }
}

function aRig(maxIdle = 3) {
  const clock = new FakeClock();
  const connections = new Connections<ProbeConnection>(clock, { idleSeconds: 60, maxIdle });
  const opened: ProbeConnection[] = [];
  const lend = async <T>(
    identity: string,
    use: (connection: ProbeConnection) => Promise<T>,
    signal = new AbortController().signal,
  ): Promise<T> => {
    const open = async (): Promise<ProbeConnection> => {
      const connection = new ProbeConnection(identity);
      opened.push(connection);
      return connection;
    };
    return connections.lend(identity, open, signal, use);
  };
  return { clock, connections, opened, lend };
}

const itself = async (connection: ProbeConnection): Promise<ProbeConnection> => connection;
const never = (): Promise<never> => new Promise(() => undefined);

describe('a connection', () => {
  test('is used again by the next run of its identity', async () => {
    const { lend } = aRig();
    const first = await lend('a', itself);
    expect(await lend('a', itself)).toBe(first);
  });

  test('is never used under another identity, whatever the order of runs', async () => {
    const runs = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.boolean()));
    await fc.assert(
      fc.asyncProperty(runs, async (identities) => {
        const { lend } = aRig(2);
        for (const [identity, breaks] of identities) {
          const used = await lend(identity, async (connection) => {
            if (breaks) connection.isUsable = false;
            return connection.identity;
          });
          expect(used).toBe(identity);
        }
      }),
    );
  });

  test('carries one run at a time', async () => {
    const { lend, opened } = aRig();
    await lend('a', async (outer) => {
      expect(await lend('a', itself)).not.toBe(outer);
    });
    expect(opened).toHaveLength(2);
  });

  test('that a run has failed on is ended and replaced', async () => {
    const { lend, opened } = aRig();
    await expect(lend('a', () => Promise.reject(new Error('cut')))).rejects.toThrow('cut');
    await lend('a', itself);
    expect(opened.map(({ ends }) => ends)).toEqual([1, 0]);
  });

  test('that broke while idle is replaced', async () => {
    const { lend, opened } = aRig();
    (await lend('a', itself)).isUsable = false;
    expect((await lend('a', itself)).isUsable).toBe(true);
    expect(opened).toHaveLength(2);
  });

  test('is ended when it has been idle for its time, and no timer stays', async () => {
    const { clock, connections, lend } = aRig();
    const connection = await lend('a', itself);
    await clock.advance(59);
    expect(connection.ends).toBe(0);
    await clock.advance(1);
    expect(connection.ends).toBe(1);
    expect([connections.idleCount, clock.pendingTimers]).toEqual([0, 0]);
  });

  test('idle longest is ended when too many are idle', async () => {
    const { connections, lend, opened } = aRig(2);
    for (const identity of ['a', 'b', 'c']) await lend(identity, itself);
    expect(opened.map(({ ends }) => ends)).toEqual([1, 0, 0]);
    expect(connections.idleCount).toBe(2);
  });

  test('is ended at once when its run is cut, and the run ends with the reason', async () => {
    const { lend, opened } = aRig();
    const cut = new AbortController();
    const run = lend('a', never, cut.signal);
    await Promise.resolve();
    cut.abort(new Error('the deadline'));
    await expect(run).rejects.toThrow('the deadline');
    expect(opened.map(({ ends }) => ends)).not.toContain(0);
  });

  test('that opens after its run was cut is ended, not leaked', async () => {
    const { connections } = aRig();
    const cut = new AbortController();
    const late = new ProbeConnection('a');
    let connect: (connection: ProbeConnection) => void = () => undefined;
    const open = (): Promise<ProbeConnection> => new Promise((resolve) => (connect = resolve));
    const run = connections.lend('a', open, cut.signal, itself);
    cut.abort(new Error('the deadline'));
    await expect(run).rejects.toThrow('the deadline');
    connect(late);
    await Promise.resolve();
    await Promise.resolve();
    expect(late.ends).toBe(1);
  });

  test('is not opened for a run that was cut before', async () => {
    const { lend, opened } = aRig();
    await expect(lend('a', itself, AbortSignal.abort(new Error('cut')))).rejects.toThrow('cut');
    expect(opened).toEqual([]);
  });

  test('that is idle at the close is ended, as is one that comes back after it', async () => {
    const { connections, lend } = aRig();
    const idle = await lend('a', itself);
    const back = await lend('b', async (connection) => {
      connections.close();
      return connection;
    });
    expect([idle.ends, back.ends]).toEqual([1, 1]);
  });
});
