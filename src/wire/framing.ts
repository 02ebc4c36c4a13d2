import { binary } from './binary.ts';
import { compact } from './compact.ts';
import { BrokenMessage } from './faults.ts';
import type { WireLimits } from './limits.ts';
import type { OutputBuffer } from './output-buffer.ts';
import type { Protocol } from './protocol.ts';

/** How a connection speaks: which encoding, and whether each message stands in a frame of its own. */
export interface Dialect {
  readonly protocol: Protocol;
  readonly framed: boolean;
}

export const frameLengthBytes = 4;

const protocols: readonly Protocol[] = [binary, compact];

/**
 * Tells by the first bytes of a connection how it speaks: a message begins with its protocol's byte, a
 * frame with its length. Undefined while there are too few; BrokenMessage when it is neither.
 */
export function detectDialect(bytes: Buffer, limits: WireLimits): Dialect | undefined {
  const unframed = protocolOf(bytes[0]);
  if (unframed !== undefined) return { protocol: unframed, framed: false };
  if (bytes.length < frameLengthBytes) return undefined;
  frameLength(bytes, 0, limits);
  if (bytes.length === frameLengthBytes) return undefined;
  const framed = protocolOf(bytes[frameLengthBytes]);
  if (framed !== undefined) return { protocol: framed, framed: true };
  throw new BrokenMessage('a message of the binary or compact protocol was expected in the frame');
}

const protocolOf = (firstByte: number | undefined): Protocol | undefined =>
  protocols.find((protocol) => protocol.firstByte === firstByte);

/** The length of the frame that begins at that place. */
export function frameLength(bytes: Buffer, at: number, limits: WireLimits): number {
  const length = bytes.readInt32BE(at);
  if (length <= 0 || length > limits.messageBytes) {
    throw new BrokenMessage(
      `a Thrift message or a frame of 1 to ${limits.messageBytes} bytes was expected`,
    );
  }
  return length;
}

/** Has `write` put a message behind what the output holds, with its length before it. */
export function writeFrame(output: OutputBuffer, write: () => void): void {
  output.reserve(frameLengthBytes);
  const start = output.length;
  output.length += frameLengthBytes;
  write();
  output.bytes.writeInt32BE(output.length - start - frameLengthBytes, start);
}
