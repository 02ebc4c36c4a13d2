import { AnswerTooLong, Unanswered } from './no-answer.ts';

/** The server's no, by its number; its own words, which quote statements and values, are left out. */
export class SqlError extends Error {
  override readonly name = 'SqlError';
  readonly number: number;

  constructor(number: number, sqlState = '') {
    super(/^[0-9A-Z]{5}$/.test(sqlState) ? `error ${number} (${sqlState})` : `error ${number}`);
    this.number = number;
  }
}

/** The server asks for a kind of login that mysql2 does not know, or does not do without TLS. */
export class UnknownLogin extends Error {
  override readonly name = 'UnknownLogin';
}

/** The password was to be sent by a key that only the server itself vouches for. */
export class KeyRefused extends Error {
  override readonly name = 'KeyRefused';
}

/** What came is not what a MySQL server may send. */
export const notMySQL = (): Unanswered => new Unanswered('it does not speak MySQL');

const ours = [SqlError, KeyRefused, Unanswered, AnswerTooLong];

const LOGIN_CODES = new Set(['AUTH_SWITCH_PLUGIN_ERROR', 'MYSQL_CLEAR_PASSWORD_NOT_ENABLED']);

/** What an error means that mysql2 hands out; one of ours stays what it is. */
export function meaningOf(error: Error): Error {
  if (ours.some((kind) => error instanceof kind)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  if ('sqlState' in error && 'errno' in error) {
    return new SqlError(Number(error.errno), String(error.sqlState));
  }
  if (code === undefined || error instanceof RangeError || error instanceof TypeError) {
    return notMySQL();
  }
  return LOGIN_CODES.has(code) ? new UnknownLogin(code) : error;
}
