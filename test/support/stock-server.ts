import type { AddressInfo } from 'node:net';
import net from 'node:net';

import Int64 from 'node-int64';
import thrift from 'thrift';

import {
  generated,
  generatedTypes,
  type WireFailure,
  type WirePlan,
} from '../../src/client/generated.ts';
import { ParamSafeProtocol } from '../../src/client/param-safe-protocol.ts';
import { T0 } from './plans.ts';

export interface StockServer {
  readonly port: number;
  readonly plans: Map<string, WirePlan>;
  /** Newest first. */
  readonly failures: WireFailure[];
  /** Connections accepted so far. */
  readonly connectionCount: () => number;
  /** Ends every connection, as a server that restarts would. */
  readonly drop: () => void;
  readonly close: () => Promise<void>;
}

/**
 * The package's own server with plans in a Map: what a client meets on the wire, without a clock. An
 * interval plan is due at T0 and its interval, a calendar plan a minute after T0.
 */
export async function startStockServer(
  options: { readonly port?: number } = {},
): Promise<StockServer> {
  const plans = new Map<string, WirePlan>();
  const failures: WireFailure[] = [];
  const server = thrift.createServer(generated.Processor, handlerOf(plans, failures), {
    transport: thrift.TBufferedTransport,
    protocol: ParamSafeProtocol,
  }) as unknown as net.Server;
  const sockets = new Set<net.Socket>();
  let accepted = 0;
  server.on('error', () => undefined); // the package raises socket errors here
  server.on('connection', (socket: net.Socket) => {
    accepted++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const drop = (): void => sockets.forEach((socket) => socket.destroy());
  return {
    port: (server.address() as AddressInfo).port,
    plans,
    failures,
    connectionCount: () => accepted,
    drop,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        drop();
      }),
  };
}

/** A server that does with each connection what a test says. */
export async function startRawServer(
  serve: (socket: net.Socket) => void,
): Promise<{ readonly port: number; readonly close: () => Promise<void> }> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        sockets.forEach((socket) => socket.destroy());
      }),
  };
}

type Fields = readonly [
  second: number,
  minute: number,
  hour: number,
  day: number,
  month: number,
  week: number,
];
type Marked = Record<string, string>;

/** The generated code tells how to call a handler by its number of parameters: all must be spelt out. */
function handlerOf(plans: Map<string, WirePlan>, failures: readonly WireFailure[]) {
  const find = (key: string): WirePlan => {
    const plan = plans.get(key);
    if (plan === undefined) throw refuse(1003, `no plan has the key "${key}"`);
    return plan;
  };
  const put = (key: string, fields: Fields, details: Details): WirePlan => {
    if (details.action === 'bogus') throw refuse(1006, 'no action is called "bogus"');
    const plan = aWirePlan(key || 'generated', fields, details);
    plans.set(plan.key, plan);
    return plan;
  };
  return {
    ping: async () => 0,
    create: async (
      key: string,
      s: number,
      m: number,
      h: number,
      d: number,
      mon: number,
      w: number,
      action: string,
      params: Marked,
    ) => put(key, [s, m, h, d, mon, w], { kind: 'calendar', count: 0, action, params }),
    createTimeout: async (
      key: string,
      s: number,
      m: number,
      h: number,
      d: number,
      mon: number,
      w: number,
      count: number,
      action: string,
      params: Marked,
    ) => put(key, [s, m, h, d, mon, w], { kind: 'interval', count, action, params }),
    remove: async (key: string) => {
      const plan = find(key);
      plans.delete(key);
      return plan;
    },
    get: async (key: string) => find(key),
    getCurrent: async () => [...plans.values()].filter((plan) => plan.second === 0),
    getTime: async (timestamp: number) =>
      [...plans.values()].filter((plan) => plan.next_time === timestamp),
    getKeys: async (prefix: string) => [...plans.keys()].filter((key) => key.startsWith(prefix)),
    listKeys: async (prefix: string, after: string, limit: number) =>
      [...plans.keys()]
        .filter((key) => key.startsWith(prefix) && key > after)
        .sort()
        .slice(0, limit),
    info: async () => ({ '=forsun_version': '0.0', '=plan_count': String(plans.size) }),
    getFailures: async (prefix: string, limit: number) =>
      failures.filter(({ key }) => key.startsWith(prefix)).slice(0, limit),
  };
}

/** Due at T0, given up half a minute later. */
export const aWireFailure = (key: string, attempts: number, reason: string): WireFailure => {
  const times = { fire_time: new Int64(T0), failed_at: new Int64(T0 + 30) };
  return new generatedTypes.ForsunFailure({ key, action: 'http', attempts, reason, ...times });
};

interface Details {
  readonly kind: 'interval' | 'calendar';
  readonly count: number;
  readonly action: string;
  readonly params: Marked;
}

const refuse = (code: number, message: string): Error =>
  new generatedTypes.ForsunPlanError({ code, message });

function aWirePlan(
  key: string,
  fields: Fields,
  { kind, count, action, params }: Details,
): WirePlan {
  const [second, minute, hour, day, month, week] = fields;
  const units = [1, 60, 3_600, 86_400, 30 * 86_400, 7 * 86_400];
  const interval = fields.reduce((sum, field, i) => sum + Math.max(field, 0) * (units[i] ?? 0), 0);
  const nextFireTime = T0 + (kind === 'interval' ? interval : 60);
  return new generatedTypes.ForsunPlan({
    ...{ key, second, minute, hour, day, month, week, count, action, params },
    is_time_out: kind === 'interval',
    next_time: nextFireTime,
    next_fire_time: new Int64(nextFireTime),
    created_time: new Int64(T0),
    running: 0,
    fired_count: new Int64(0),
  });
}
