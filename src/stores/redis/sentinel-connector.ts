import { type Redis, SentinelConnector, type SentinelConnectionOptions } from 'ioredis';

type Connect = (...sentinel: unknown[]) => Redis;

/** As that of ioredis, which prints each error of a sentinel that it listens to for failovers. */
export class QuietSentinelConnector extends SentinelConnector {
  constructor(options: unknown) {
    super(options as SentinelConnectionOptions);
    const connect = this['connectToSentinel'] as Connect;
    this['connectToSentinel'] = (...sentinel: unknown[]): Redis =>
      connect.apply(this, sentinel).on('error', () => undefined);
  }
}
