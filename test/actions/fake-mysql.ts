import type { Socket } from 'node:net';

import { RawServer } from './sink.ts';

/** One packet of the client: the first byte of its body says which command it is. */
export interface Asked {
  readonly number: number;
  readonly body: Buffer;
}

/** What a server that speaks MySQL, but means ill, says to it: whole packets, or anything. */
export type Reply = (asked: Asked, socket: Socket) => Buffer | undefined;

export const packet = (
  number: number,
  ...body: (Buffer | string | readonly number[])[]
): Buffer => {
  const bytes = Buffer.concat(body.map((part) => Buffer.from(part as Buffer)));
  const header = Buffer.alloc(4);
  header.writeUIntLE(bytes.length, 0, 3);
  header.writeUInt8(number % 256, 3);
  return Buffer.concat([header, bytes]);
};

export const ok = ({ number }: Asked): Buffer => packet(number + 1, [0, 0, 0, 2, 0, 0, 0]);

/** Twenty bytes that a password is mixed with. */
export const scramble = Buffer.from('abcdefghijklmnopqrst');

export const greeting = (login: string): Buffer =>
  packet(
    0,
    [10],
    '8.0.0-fake\0',
    [1, 0, 0, 0],
    scramble.subarray(0, 8),
    [0, 0x08, 0xa2, 45, 2, 0, 0x28, 0, 21, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    scramble.subarray(8),
    `\0${login}\0`,
  );

/** A server that greets and then answers each packet as told. */
export const aFakeMySQL = (reply: Reply, login = 'mysql_native_password'): Promise<RawServer> =>
  RawServer.open((socket) => {
    let unread = Buffer.alloc(0);
    socket.on('data', (bytes) => {
      unread = Buffer.concat([unread, bytes]);
      while (unread.length >= 4 && unread.length >= 4 + unread.readUIntLE(0, 3)) {
        const end = 4 + unread.readUIntLE(0, 3);
        const asked = { number: unread.readUInt8(3), body: unread.subarray(4, end) };
        unread = unread.subarray(end);
        const answer = reply(asked, socket);
        if (answer !== undefined) socket.write(answer);
      }
    });
    socket.write(greeting(login));
  });
