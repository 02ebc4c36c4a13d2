import type { Outcome } from './action.ts';
import { noAnswer, refused } from './no-answer.ts';
import type { RedisCommand } from './redis-commands.ts';
import { isErrorReply, type RedisReply } from './redis-connection.ts';

/** States of a server that pass: it has not done the command, and may do it later. */
const passing = new Set([
  ...'LOADING BUSY MASTERDOWN CLUSTERDOWN TRYAGAIN READONLY NOREPLICAS MISCONF OOM'.split(' '),
  'UNBLOCKED', // a command that waited, by an operator or as the server became a replica
  'ERR max number of clients',
]);

/** Redis says no word of this: the EXEC is answered with nothing. */
const watchedKeyChanged = 'a watched key has changed';

/** Errors without a code of their own whose text tells nothing of a plan; as they begin. */
const harmlessTexts = [
  'unknown command',
  'unknown subcommand',
  'wrong number of arguments',
  'syntax error',
  'value is not an integer or out of range',
  'value is not a valid float',
  'no such key',
  'AUTH <password> called without any password configured',
  'DB index is out of range',
  'max number of clients', // "… reached", and in a cluster "… + cluster connections reached"
  watchedKeyChanged,
];

/** The first error reply decides. It is worth another attempt if it passes and no command has been done. */
export function outcomeOf(
  target: string,
  commands: readonly RedisCommand[],
  replies: readonly RedisReply[],
): Outcome {
  for (const [index, reply] of replies.entries()) {
    const error = errorIn(reply, commands[index]?.name);
    if (error === undefined) continue;
    const hasDoneNothing = replies.every((each, at) => isNothing(each, commands[at]?.name));
    const to = commands.length === 1 ? 'the command' : `command ${index + 1} of ${commands.length}`;
    return outcomeOfError(target, error, to, hasDoneNothing);
  }
  return { kind: 'done' };
}

/** What one error reply means; `to` says in the reason what was refused. */
export function outcomeOfError(
  target: string,
  error: string,
  to: string,
  hasDoneNothing: boolean,
): Outcome {
  const code = codeOf(error);
  return passing.has(code) && hasDoneNothing
    ? noAnswer(target, `not now, ${code} to ${to}`)
    : refused(target, `${code} to ${to}`);
}

function errorIn(reply: RedisReply, name: string | undefined): string | undefined {
  if (isErrorReply(reply)) return reply.message;
  if (name !== 'EXEC') return undefined;
  if (reply === null) return `EXECABORT ${watchedKeyChanged}`;
  return Array.isArray(reply) ? reply.find(isErrorReply)?.message : undefined;
}

/** An error, or the answer to what waits for an EXEC. */
const isNothing = (reply: RedisReply, name: string | undefined): boolean =>
  isErrorReply(reply) || name === 'MULTI' || String(reply) === 'QUEUED';

/** What may be shown: an error's text may quote the command, a script's may be anything. */
function codeOf(error: string): string {
  const [, code = 'an error', text = ''] = /^([A-Z]{2,24})(?: (.*))?$/s.exec(error) ?? [];
  const harmless = harmlessTexts.find((known) => text.startsWith(known));
  return harmless === undefined ? code : `${code} ${harmless}`;
}
