import { connect } from 'node:net';

import { Agent, request } from 'undici';

import { thriftDefaults } from '../src/actions/thrift.ts';
import { ThriftConnection } from '../src/actions/thrift-connection.ts';
import { binary } from '../src/wire/binary.ts';
import { forsunService } from '../src/wire/forsun.ts';
import { writeCall } from '../src/wire/messages.ts';
import { OutputBuffer } from '../src/wire/output-buffer.ts';
import type { Figure } from './figure.ts';
import { atSecond, keyOf, Load } from './load.ts';
import type { Arrived } from './receiver.ts';
import { ReceiverProcess } from './receiver-process.ts';
import { BenchServer, withDirectory } from './server.ts';

type Kind = 'http' | 'thrift';

const warmUps = 2_000;
const connections = 64;
/** At least, so that all plans are there when they fall due. */
const createsPerSecond = 3_000;

/** Very many plans due in one second: when the last callback arrives, beside the same calls made bare. */
export async function burst(): Promise<Figure[]> {
  const plans = Number(process.env['FORSUN_BENCH_BURST'] ?? 50_000);
  return [...(await burstOf('thrift', plans)), ...(await burstOf('http', Math.round(plans * 0.4)))];
}

async function burstOf(kind: Kind, total: number): Promise<Figure[]> {
  const receiver = await ReceiverProcess.start(kind);
  try {
    const bareSeconds = await callBare[kind](receiver.port, total);
    await receiver.arrivals(total);
    return await withDirectory(async (directory) => {
      const server = await BenchServer.forsund(`${directory}/store`);
      try {
        return await measure(kind, total, receiver, server, bareSeconds);
      } finally {
        await server.kill('SIGTERM');
      }
    });
  } finally {
    await receiver.stop();
  }
}

async function measure(
  kind: Kind,
  total: number,
  receiver: ReceiverProcess,
  server: BenchServer,
  bareSeconds: number,
): Promise<Figure[]> {
  const { keys, twice, early, lateMs, cpuSeconds } = await burstOn([server], kind, total, receiver);
  const sorted = lateMs.toSorted((a, b) => a - b);
  const what = `${total.toLocaleString('en')} due in one second, ${kind}`;
  const lastMs = sorted.at(-1) ?? NaN;
  return [
    { what: `${what}: the last after`, ours: lastMs, reference: bareSeconds * 1000, unit: 'ms' },
    {
      what: 'callbacks per second',
      ours: (1000 * keys) / lastMs,
      reference: total / bareSeconds,
      unit: '/s',
    },
    { what: 'p50', ours: sorted[Math.floor(sorted.length / 2)] ?? NaN, unit: 'ms' },
    { what: 'CPU of the server', ours: cpuSeconds, unit: 's' },
    { what: 'early', ours: early, unit: 'plans' },
    { what: 'lost', ours: total - keys, unit: 'plans' },
    { what: 'twice', ours: twice, unit: 'plans' },
  ];
}

/** So many plans of servers that share a store, all due in one second. */
export async function burstOn(
  servers: readonly BenchServer[],
  kind: Kind,
  total: number,
  receiver: ReceiverProcess,
): Promise<Arrived & { readonly cpuSeconds: number }> {
  const url = `http://127.0.0.1:${receiver.port}/order/close`;
  const params = kind === 'http' ? { url } : { port: String(receiver.port), order: '42' };
  const load = await Load.connect(
    servers.map(({ port }) => port),
    16,
  );
  const now = Math.floor(Date.now() / 1000);
  // Warm: compiled code, open connections, a target that has proved itself.
  const soon = atSecond(now + 2, kind, params);
  await load.create(warmUps, 64, () => soon);
  const second = now + 6 + Math.ceil(total / createsPerSecond);
  const due = atSecond(second, kind, params);
  await load.create(total, 64, () => due);
  if (Date.now() >= second * 1000) throw new Error('not all plans were made in time');
  load.close();
  await receiver.arrivals(warmUps);

  const cpuSeconds = (): number => servers.reduce((sum, server) => sum + server.cpuSeconds(), 0);
  const cpuBefore = cpuSeconds();
  const arrived = await receiver.arrivals(total);
  return { ...arrived, cpuSeconds: cpuSeconds() - cpuBefore };
}

/** The same callbacks from this process, with no server around them; answers the seconds they took. */
const callBare: Readonly<Record<Kind, (port: number, total: number) => Promise<number>>> = {
  async http(port, total) {
    const agent = new Agent({ connections });
    const seconds = await timed(total, async (n) => {
      const headers = { 'x-forsun-key': keyOf(n), 'x-forsun-timestamp': '0' };
      const url = `http://127.0.0.1:${port}/order/close`;
      const { body } = await request(url, { dispatcher: agent, headers });
      await body.dump();
    });
    await agent.close();
    return seconds;
  },
  async thrift(port, total) {
    const idle: ThriftConnection[] = [];
    for (let n = 0; n < connections; n += 1) {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      idle.push(
        new ThriftConnection(
          socket,
          { protocol: binary, framed: false },
          thriftDefaults.maxReplyBytes,
        ),
      );
    }
    const call = { name: 'forsun_call', seqid: 0 };
    const output = new OutputBuffer();
    const seconds = await timed(total, async (n) => {
      const args = { key: keyOf(n), ts: 0, params: new Map([['order', '42']]) };
      writeCall(binary.createWriter(output), call, forsunService.forsun_call, args);
      const connection = idle.pop();
      if (connection === undefined) throw new Error('more calls than connections');
      await connection.call(output.take(), call);
      idle.push(connection);
    });
    for (const connection of idle) connection.end();
    return seconds;
  },
};

/** As many at once as there are connections. */
async function timed(total: number, call: (n: number) => Promise<void>): Promise<number> {
  let next = 0;
  const startedMs = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (next < total) await call(next++);
    }),
  );
  return (performance.now() - startedMs) / 1000;
}
