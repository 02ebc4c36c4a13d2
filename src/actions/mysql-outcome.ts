import type { Outcome } from './action.ts';
import { KeyRefused, SqlError, UnknownLogin } from './mysql-errors.ts';
import { AnswerTooLong, connectionLost, cutOff, refused } from './no-answer.ts';

/** Errors by which a server says that it cannot now; what was begun is rolled back. */
const COME_AGAIN = new Set([
  1021, // disk full
  1037, // out of memory
  1038, // out of sort memory
  1040, // too many connections
  1041, // out of memory
  1047, // a node of a cluster, not ready
  1053, // shutting down
  1114, // no room in the table
  1135, // no thread for the connection
  1203, // too many connections of this user
  1205, // a lock was not given in time
  1213, // chosen to end a deadlock
  1226, // this user's limit is reached
  1290, // an option forbids it: read-only, mostly
  1317, // interrupted
  1836, // read-only
  1927, // connection killed
  1969, // took longer than the server allows
  3024, // the same, of MySQL
  3101, // rolled back by a cluster at its commit
  3572, // a lock was not given at once
  4031, // connection ended for being idle
]);

/** What an error comes to, in which a run has ended. */
export function mysqlOutcome(target: string, error: unknown): Outcome {
  if (error instanceof SqlError) {
    return COME_AGAIN.has(error.number)
      ? { kind: 'retry', reason: `put off by ${target}: ${error.message}` }
      : refused(target, error.message);
  }
  if (error instanceof UnknownLogin) {
    return refused(target, `its way to log in is not supported (${error.message})`);
  }
  if (error instanceof KeyRefused) {
    const setting = '--action-mysql-get-server-public-key';
    return refused(target, `it wants the password by a key that nobody vouches for (${setting})`);
  }
  if (error instanceof AnswerTooLong) return cutOff(target, error);
  return connectionLost(target, error);
}
