import { setting } from './setting.ts';
import { listOf, network } from './values.ts';

/** Networks, as `address/prefix`, by which is judged where plans may connect to. */
export const egressSettings = {
  allow: setting('EGRESS_ALLOW', {
    value: listOf(network),
    default: '',
    isList: true,
    meaning: 'the only networks that plans may reach, as 10.0.0.0/8; empty: any; repeatable',
  }),
  deny: setting('EGRESS_DENY', {
    value: listOf(network),
    default: '',
    isList: true,
    meaning: 'networks that plans may not reach, whatever is allowed; repeatable',
  }),
} as const;
