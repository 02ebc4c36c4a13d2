import fc from 'fast-check';
import { expect, test } from 'vitest';

import type { Answer, Call, CallKind } from '../../../src/interfaces/thrift/call.ts';
import { CallQueue } from '../../../src/interfaces/thrift/call-queue.ts';

/** A call that notes when it begins and ends, and ends when told. */
class TestCall implements Call {
  readonly kind: CallKind;
  readonly answer: Answer;
  readonly #events: string[];
  readonly #name: string;
  #end: () => void = () => undefined;

  constructor(kind: CallKind, index: number, events: string[]) {
    this.kind = kind;
    this.#name = `${kind} ${index}`;
    this.#events = events;
    const header = { name: this.#name, type: 1, seqid: index };
    this.answer = { header, isError: false, write: () => undefined };
  }

  async start(): Promise<Answer> {
    this.#events.push(`begin ${this.#name}`);
    await new Promise<void>((resolve) => (this.#end = resolve));
    this.#events.push(`end ${this.#name}`);
    return this.answer;
  }

  end(): void {
    this.#end();
  }
}

const settled = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const kinds = fc.array(fc.constantFrom<CallKind>('change', 'read', 'list'), { maxLength: 20 });

test('answers come in the order of the calls, whatever order they end in', async () => {
  await fc.assert(
    fc.asyncProperty(kinds, fc.infiniteStream(fc.nat()), async (all, picks) => {
      const { answers } = await runThrough(all, picks);
      expect(answers).toEqual(all.map((_, index) => index));
    }),
  );
});

test('a call begins when all before it have ended, or all that run are of its kind and no list', async () => {
  await fc.assert(
    fc.asyncProperty(kinds, fc.infiniteStream(fc.nat()), async (all, picks) => {
      const { events } = await runThrough(all, picks);
      const running = new Set<string>();
      for (const event of events) {
        const [what = '', kind = '', index = ''] = event.split(' ');
        if (what === 'end') running.delete(`${kind} ${index}`);
        else {
          for (const other of running) expect([other.split(' ')[0], kind]).toEqual([kind, kind]);
          if (kind === 'list') expect(running.size).toBe(0);
          running.add(`${kind} ${index}`);
        }
      }
      const begun = events.filter((event) => event.startsWith('begin'));
      expect(begun).toEqual(all.map((kind, index) => `begin ${kind} ${index}`));
    }),
  );
});

/** Ends running calls in the order picked, taking answers as they come. */
async function runThrough(
  all: readonly CallKind[],
  picks: IterableIterator<number>,
): Promise<{ events: string[]; answers: number[] }> {
  const events: string[] = [];
  const answers: number[] = [];
  const queue = new CallQueue(() => undefined);
  const calls = all.map((kind, index) => new TestCall(kind, index, events));
  for (const call of calls) queue.add(call, 1);
  while (queue.length > 0) {
    queue.begin();
    const ended = new Set(events.filter((event) => event.startsWith('end')).map(nameIn));
    const running = calls.filter(
      (call, index) =>
        events.includes(`begin ${call.kind} ${index}`) && !ended.has(`${call.kind} ${index}`),
    );
    running[Number(picks.next().value) % running.length]?.end();
    await settled();
    for (let answer = queue.takeAnswer(); answer !== undefined; answer = queue.takeAnswer()) {
      answers.push(answer.header.seqid);
    }
  }
  expect(queue.byteCount).toBe(0);
  return { events, answers };
}

const nameIn = (event: string): string => event.replace(/^\w+ /, '');
