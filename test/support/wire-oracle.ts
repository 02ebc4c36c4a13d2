import thrift from 'thrift';

import { generated, type GeneratedClient, generatedTypes } from '../../src/client/generated.ts';
import { binary } from '../../src/wire/binary.ts';
import { compact } from '../../src/wire/compact.ts';
import { type Dialect, writeFrame } from '../../src/wire/framing.ts';
import { OutputBuffer } from '../../src/wire/output-buffer.ts';
import type { Protocol, WireWriter } from '../../src/wire/protocol.ts';

export const dialects: readonly Dialect[] = [binary, compact].flatMap((protocol) => [
  { protocol, framed: false },
  { protocol, framed: true },
]);

export const nameOf = ({ protocol, framed }: Dialect): string =>
  `${framed ? 'framed' : 'unframed'} ${protocol.name}`;

/** What `write` writes, as our own writer puts it. */
export function written(protocol: Protocol, write: (writer: WireWriter) => void): Buffer {
  const output = new OutputBuffer();
  write(protocol.createWriter(output));
  return output.take();
}

export function writtenIn(dialect: Dialect, write: (writer: WireWriter) => void): Buffer {
  if (!dialect.framed) return written(dialect.protocol, write);
  const output = new OutputBuffer();
  const writer = dialect.protocol.createWriter(output);
  writeFrame(output, () => write(writer));
  return output.take();
}

const protocolOf = (protocol: Protocol): typeof thrift.TBinaryProtocol =>
  protocol.name === 'binary' ? thrift.TBinaryProtocol : thrift.TCompactProtocol;

/** The bytes of a call as the generated client writes it; its seqid is 1. */
export function generatedCall(
  protocol: Protocol,
  call: (client: GeneratedClient) => Promise<unknown>,
): Buffer {
  let bytes = Buffer.alloc(0);
  const output = new thrift.TBufferedTransport(undefined, (message) => {
    bytes = Buffer.concat([bytes, message ?? bytes]);
  });
  call(new generated.Client(output, protocolOf(protocol))).catch(() => undefined);
  return bytes;
}

/** The bytes the generated processor answers a call with, its handler answering as told. */
export async function generatedReply(
  protocol: Protocol,
  call: Buffer,
  handler: object,
): Promise<Buffer> {
  const Protocol = protocolOf(protocol);
  return new Promise((resolve) => {
    const output = new thrift.TBufferedTransport(undefined, (message) => {
      resolve(message ?? Buffer.alloc(0));
    });
    const receive = thrift.TBufferedTransport.receiver((input) => {
      new generated.Processor(handler).process(new Protocol(input), new Protocol(output));
    }, 0);
    receive(call);
  });
}

/** The bytes of a plan's struct as the generated class writes it, whatever it lacks. */
export function generatedPlan(protocol: Protocol, fields: object): Buffer {
  let bytes = Buffer.alloc(0);
  const output = new thrift.TBufferedTransport(undefined, (message) => {
    bytes = Buffer.concat([bytes, message ?? bytes]);
  });
  const plan = Object.assign(Object.create(generatedTypes.ForsunPlan.prototype), fields) as {
    write(protocol: object): void;
  };
  plan.write(new (protocolOf(protocol))(output));
  output.flush();
  return bytes;
}
