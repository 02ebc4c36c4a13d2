import { setTimeout as sleep } from 'node:timers/promises';

import { expect, test, vi } from 'vitest';

import { ForsunConnectionError } from '../../src/client/errors.ts';
import type { ForsunClient } from '../../src/client/forsun-client.ts';
import { aStore, ForsundProcess } from '../support/forsund-process.ts';
import { type Hit, HttpSink } from '../support/http-sink.ts';
import { isNightly } from '../support/nightly.ts';

vi.setConfig({ testTimeout: isNightly ? 3_600_000 : 120_000 });

const rounds = isNightly ? 1_000 : 16;
const writers = 8;
const keysOfWriter = 30;

/** What a key holds: the version in the params of the last create, or nothing. */
type State = string | undefined;

/** What was acknowledged of every key, and the change whose reply the crash may have swallowed. */
class Journal {
  readonly acknowledged = new Map<string, State>();
  readonly unanswered = new Map<string, State>();
  acknowledgements = 0;
  /** Called in the very turn of the loop that brought an acknowledgement. */
  onAcknowledgement: () => void = () => undefined;

  async note(key: string, after: State, change: Promise<unknown>): Promise<void> {
    this.unanswered.set(key, after);
    await change;
    this.unanswered.delete(key);
    this.acknowledged.set(key, after);
    this.acknowledgements += 1;
    this.onAcknowledgement();
  }

  /** Fails unless the key holds what was acknowledged, or what the unanswered change would have made. */
  settle(key: string, found: State): void {
    const allowed = [this.acknowledged.get(key)];
    if (this.unanswered.has(key)) allowed.push(this.unanswered.get(key));
    expect(allowed, `what ${key} holds`).toContain(found);
    this.acknowledged.set(key, found);
    this.unanswered.delete(key);
  }
}

test('law 1, durable: what was acknowledged is there after kill -9 at any moment, what was removed is gone', async () => {
  const sink = await HttpSink.open();
  const store = await aStore();
  const journal = new Journal();
  let forsund = await ForsundProcess.start({ store });
  const ticking = ['tick/1', 'tick/2', 'tick/3'];
  const tickingClient = forsund.client();
  for (const key of ticking) {
    const params = { url: sink.url() };
    await tickingClient.createTimeout({ key, second: 1, count: 0, action: 'http', params });
  }

  for (let round = 0; round < rounds; round++) {
    const load = Array.from({ length: writers }, (_, writer) =>
      write(forsund.client(), journal, { writer, round }),
    );
    await killedAtSomeMoment(forsund, journal, round);
    await Promise.all(load);

    forsund = await ForsundProcess.start({ store });
    const client = forsund.client();
    const present = await client.getKeys('w');
    const found = new Map<string, State>(
      await Promise.all(
        present.map(async (key) => [key, (await client.get(key)).params.get('version')] as const),
      ),
    );
    const known = new Set([
      ...journal.acknowledged.keys(),
      ...journal.unanswered.keys(),
      ...present,
    ]);
    for (const key of known) journal.settle(key, found.get(key));
    expect(await client.getKeys('tick/')).toEqual(ticking);
    const planCount = Number((await client.info()).get('plan_count'));
    expect(planCount).toBe(present.length + ticking.length);
  }
  expect(journal.acknowledgements).toBeGreaterThan(rounds * 20);
  expect((await sink.until('tick/1', 2)).length).toBeGreaterThan(1);
});

test('law 4: a generation is never used twice, not after a remove, not after kill -9', async () => {
  const sink = await HttpSink.open();
  const store = await aStore();
  const generations: number[] = [];
  for (let round = 0; round < 4; round++) {
    const forsund = await ForsundProcess.start({ store });
    const client = forsund.client();
    const plan = { key: 'k', minute: 5, action: 'http', params: { url: sink.url(`/${round}`) } };
    await client.createTimeout(plan);
    if (round % 2 === 0) await client.remove('k');
    await client.createTimeout({ ...plan, minute: 0 });
    const isThisRounds = (hit: Hit): boolean => hit.url === `/${round}`;
    await sink.untilSeen(() => sink.hits.some(isThisRounds));
    generations.push(Number(sink.hits.find(isThisRounds)!.fireId.split(':')[1]));
    await forsund.kill('SIGKILL');
  }
  expect(new Set(generations).size).toBe(generations.length);
  expect(generations).toEqual([...generations].sort((a, b) => a - b));
});

/** Creates, replaces and removes plans of its own until the server is gone. */
async function write(
  client: ForsunClient,
  journal: Journal,
  { writer, round }: { readonly writer: number; readonly round: number },
): Promise<void> {
  try {
    for (let step = 0; ; step++) {
      const key = `w${writer}/${Math.floor(Math.random() * keysOfWriter)}`;
      const mayRemove = journal.acknowledged.get(key) !== undefined;
      if (mayRemove && Math.random() < 0.3) {
        await journal.note(key, undefined, client.remove(key));
      } else {
        const version = `${round}.${step}`;
        const params = { cmd: 'true', version };
        const hour = 1 + (step % 1_000);
        await journal.note(key, version, client.createTimeout({ key, hour, params }));
      }
    }
  } catch (error) {
    if (!(error instanceof ForsunConnectionError)) throw error;
  }
}

/** Half the time between any two instructions once the first reply has come, half right behind one. */
async function killedAtSomeMoment(
  forsund: ForsundProcess,
  journal: Journal,
  round: number,
): Promise<void> {
  if (round % 2 === 0) {
    await new Promise<void>((resolve) => (journal.onAcknowledgement = resolve));
    await sleep(Math.random() * 250);
    await forsund.kill('SIGKILL');
    return;
  }
  const last = journal.acknowledgements + 50 + Math.ceil(Math.random() * 500);
  journal.onAcknowledgement = () => {
    if (journal.acknowledgements === last) forsund.signal('SIGKILL');
  };
  await forsund.exited;
}
