import { errorCodes } from '../core/errors.ts';
import type { CounterName, Counters, DoorCounter } from './counters.ts';
import { labelled, type Metric } from './metric.ts';

/** Connections and requests of the doors, and what they refuse. */
export function doorMetrics(counters: Counters): readonly Metric[] {
  const value = (name: CounterName) => () => counters.value(name);
  const ofDoors = (
    type: 'counter' | 'gauge',
    name: string,
    help: string,
    counted: DoorCounter,
  ): Metric =>
    labelled(type, name, help, 'door', [
      ['thrift', value(counted)],
      ['http', value(`http_${counted}`)],
    ]);
  return [
    ofDoors('gauge', 'forsun_connections', 'Open connections.', 'connecting_count'),
    ofDoors('counter', 'forsun_connections_total', 'Connections opened.', 'connected_count'),
    ofDoors('gauge', 'forsun_requests_in_progress', 'Requests under way.', 'requesting_count'),
    ofDoors('counter', 'forsun_requests_total', 'Requests answered.', 'requested_count'),
    ofDoors(
      'counter',
      'forsun_request_errors_total',
      'Requests answered by an error.',
      'requested_error_count',
    ),
    labelled('counter', 'forsun_refusals_total', 'What doors refused, by reason.', 'reason', [
      ['connection', value('connections_refused_count')],
      ['protocol', value('protocol_errors_count')],
      ['token', value('tokens_refused_count')],
      ['browser', value('browsers_refused_count')],
      ...errorCodes.map((code) => [code, value(`refused_${code}_count`)] as const),
    ]),
  ];
}
