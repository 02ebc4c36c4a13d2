/** Thrift's type numbers, as the binary protocol writes them; the compact one has its own beside. */
export const WireCode = {
  stop: 0,
  bool: 2,
  byte: 3,
  double: 4,
  i16: 6,
  i32: 8,
  i64: 10,
  text: 11,
  struct: 12,
  map: 13,
  set: 14,
  list: 15,
  uuid: 16,
} as const;

export const MessageType = { call: 1, reply: 2, exception: 3, oneway: 4 } as const;

/** The types a TApplicationException may have that we send. */
export const ExceptionType = { unknownMethod: 1, internalError: 6, protocolError: 7 } as const;
