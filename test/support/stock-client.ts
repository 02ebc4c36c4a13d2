import { once } from 'node:events';

import thrift from 'thrift';
import { onTestFinished } from 'vitest';

import { generated, type GeneratedClient } from '../../src/client/generated.ts';

export interface StockOptions {
  readonly transport?: 'buffered' | 'framed';
  readonly encoding?: 'binary' | 'compact';
}

/** What the thrift package makes of forsun.thrift, with nothing of ours; closed when the test is finished. */
export function aStockClient(port: number, options: StockOptions = {}): GeneratedClient {
  const connection = thrift.createConnection('127.0.0.1', port, {
    transport: options.transport === 'framed' ? thrift.TFramedTransport : thrift.TBufferedTransport,
    protocol: options.encoding === 'compact' ? thrift.TCompactProtocol : thrift.TBinaryProtocol,
  });
  onTestFinished(async () => {
    if (connection.connection.destroyed) return;
    connection.end();
    await once(connection.connection, 'close');
  });
  return thrift.createClient<GeneratedClient>(generated.Client, connection);
}
