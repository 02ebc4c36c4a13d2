import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import thrift from 'thrift';

interface WirePlan {
  key: string;
}

/** Reference: the same calls on the thrift package's server and the generated code, without a store. */
const require = createRequire(join(process.cwd(), 'package.json'));
const service = require('./gen-nodejs/Forsun.js') as object;
const { ForsunPlan } = require('./gen-nodejs/forsun_types.js') as {
  ForsunPlan: new (fields: object) => WirePlan;
};
const plans = new Map<string, WirePlan>();

const handler = {
  createTimeout(
    key: string,
    second: number,
    minute: number,
    hour: number,
    day: number,
    month: number,
    week: number,
    count: number,
    action: string,
    params: object,
  ): Promise<WirePlan> {
    const interval = second + 60 * Math.max(0, minute) + 3_600 * Math.max(0, hour);
    const next_time = Math.floor(Date.now() / 1000) + interval;
    const schedule = { is_time_out: true, second, minute, hour, day, month, week };
    const plan = new ForsunPlan({ ...schedule, key, count, next_time, action, params });
    plans.set(key, plan);
    return Promise.resolve(plan);
  },
};

const server = thrift.createServer(service as never, handler as never, {
  transport: thrift.TBufferedTransport,
  protocol: thrift.TBinaryProtocol,
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`listening address=127.0.0.1:${port}\n`);
});
