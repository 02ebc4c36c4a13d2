import { BrokenMessage } from './faults.ts';
import { MessageType } from './wire-code.ts';

/** The length a string announces, unless it cannot be or may not be. */
export function checkedLength(length: number, limit: number, what: string): number {
  if (length < 0 || length > limit) {
    throw new BrokenMessage(`${what} may have 0 to ${limit} bytes, not ${length}`);
  }
  return length;
}

/** The size a container announces, unless it cannot be or may not be. */
export function checkedSize(size: number, limit: number): number {
  if (size < 0 || size > limit) {
    throw new BrokenMessage(`a map, set or list may have 0 to ${limit} entries, not ${size}`);
  }
  return size;
}

/** The type of a message, unless Thrift has none such. */
export function checkedType(type: number): number {
  if (type < MessageType.call || type > MessageType.oneway) {
    throw new BrokenMessage(`a message cannot be of type ${type}`);
  }
  return type;
}
