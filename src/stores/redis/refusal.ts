/** A Redis that no store can be kept in, or not this one; the message says which, why and what to do, on one line. */
export class RedisRefused extends Error {
  override readonly name = 'RedisRefused';
}
