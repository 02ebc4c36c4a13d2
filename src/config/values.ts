import { isIP } from 'node:net';
import { normalize } from 'node:path';

import { z } from 'zod';

import { type Network, networkOf } from '../core/networks.ts';
import { unixPath } from '../core/unix-path.ts';
import { yesOrNoOf } from './yes-or-no.ts';

/** How the text of a setting becomes its value. A refusal says what was expected, in words. */
export type ValueOf<T> = z.ZodType<T, string>;

const expecting = (expected: string): { error: string } => ({ error: expected });

export const text: ValueOf<string> = z.string();

/** What `read` makes of the text; undefined: it cannot be used. */
export const readBy = <T>(read: (came: string) => T | undefined, expected: string): ValueOf<T> =>
  z.string().transform((came, context) => {
    const value = read(came);
    if (value !== undefined) return value;
    context.addIssue(expected);
    return z.NEVER;
  });

/** As `value`, or a word, in any case, that stands for undefined; no word: an empty text does. */
export const orNone = <T>(value: ValueOf<T>, word = ''): ValueOf<T | undefined> =>
  z.string().transform((came, context) => {
    if (came.toLowerCase() === word) return undefined;
    const judged = value.safeParse(came);
    if (judged.success) return judged.data;
    const [issue] = judged.error.issues;
    context.addIssue(`${issue?.message ?? 'another value'}${word && `, or ${word}`}`);
    return z.NEVER;
  });

export const wholeNumber = (min: number, max: number, unit = ''): ValueOf<number> =>
  numberLike(/^\d+$/, `a whole number from ${min} to ${max}${unit}`, min, max);

/** Yes or no, in any of the usual spellings. */
export const yesOrNo: ValueOf<boolean> = readBy(yesOrNoOf, 'yes or no').transform(
  (answer) => answer === 'yes',
);

/** Seconds, decimals allowed, because half a second is a sensible timeout. */
export const seconds = (min: number, max: number): ValueOf<number> =>
  numberLike(/^\d+(\.\d+)?$/, `a number of seconds from ${min} to ${max}`, min, max);

export const factor = (min: number, max: number): ValueOf<number> =>
  numberLike(/^\d+(\.\d+)?$/, `a number from ${min} to ${max}`, min, max);

/** `64M` and the like; no letter means bytes. */
export const byteSize = (min: number, max: number): ValueOf<number> => {
  const expected = expecting(`a size such as 512K, 4M or 1G, from ${min} to ${max} bytes`);
  return z
    .string()
    .regex(/^\d+[BKMG]?$/i, expected)
    .transform(bytesOf)
    .pipe(z.number().min(min, expected).max(max, expected));
};

/** One of the words, in any case; `aliases` are further spellings that mean one of them; `note` explains. */
export const oneOf = <const Word extends string>(
  words: readonly Word[],
  aliases: Readonly<Record<string, Word>> = {},
  note = '',
): ValueOf<Word> =>
  z
    .string()
    .transform((came) => aliases[came.toLowerCase()] ?? came.toLowerCase())
    .pipe(z.enum(words, expecting(words.join(', ').replace(/, ([^,]*)$/, ' or $1') + note)));

/** When a log file is full: at midnight, at a size, or never. */
export type Rotation =
  | { readonly kind: 'never' }
  | { readonly kind: 'day' }
  | { readonly kind: 'size'; readonly bytes: number };

export const rotation: ValueOf<Rotation> = z
  .string()
  .regex(/^(never|day|0*[1-9]\d*[BKMG]?)$/i, expecting('DAY, a size such as 64M, or never'))
  .transform((came): Rotation => {
    const word = came.toLowerCase();
    if (word === 'never' || word === 'day') return { kind: word };
    return { kind: 'size', bytes: bytesOf(came) };
  });

/** Items separated by commas, semicolons or blanks. */
export const listOf = <T>(item: ValueOf<T>): ValueOf<readonly T[]> =>
  z
    .string()
    .transform((came) => came.split(/[\s,;]+/).filter((part) => part !== ''))
    .pipe(z.array(item));

/** `10.0.0.0/8`, `fd00::/8`; an address alone is a network of one, and comes out with its prefix. */
export const network: ValueOf<string> = z
  .string()
  .transform(networkOf)
  .pipe(
    z.custom<Network>(
      (read) => read !== undefined,
      expecting('networks such as 10.0.0.0/8 or fd00::/8'),
    ),
  )
  .transform(({ address, bits }) => `${address}/${bits}`);

/** `10.0.0.2`, `127.0.0.1:5353`, `[::1]:5353`: where a server of names answers, at port 53 if none is named. */
export const nameServer: ValueOf<string> = z
  .string()
  .refine(
    isNameServer,
    expecting('addresses of name servers, with a port or without: 10.0.0.2 or [::1]:5353'),
  );

/** A store of ours, or a name that an extension may register: which, the store's opening finds out. */
export const storeDriver: ValueOf<string> = z
  .string()
  .transform((came) => came.toLowerCase())
  .refine(
    (came) => /^[a-z][a-z0-9_-]*$/.test(came),
    expecting('mem, redis, or the driver of an extension'),
  );

/** What begins Redis keys: no braces, by which a cluster tells parts of a key, and nothing that patterns match by. */
export const redisPrefix: ValueOf<string> = z
  .string()
  .regex(
    /^[^\s{}*?[\]\\\p{Cc}]{1,128}$/u,
    expecting('at most 128 characters, no blanks and none of {}[]*?\\'),
  );

/** A variable of the environment, or with a star at its end all that begin so. */
export const variableName: ValueOf<string> = z
  .string()
  .regex(/^[a-z_]\w*\*?$/i, expecting('names of variables such as API_TOKEN or APP_*'));

export const absolutePath: ValueOf<string> = z
  .string()
  .refine((came) => normalize(came) === came && came.startsWith('/'), expecting('absolute paths'));

/** A zone of the IANA time zone database, by name. */
export const timeZone: ValueOf<string> = z
  .string()
  .refine(isTimeZone, expecting('a time zone name such as UTC, Europe/Berlin or Asia/Shanghai'));

/** Where to listen: a name or an address without its port, or unix:/path. */
export const host: ValueOf<string> = z
  .string()
  .refine(isBind, expecting('an address or host name without a port, or unix:/path'));

/** Where to listen: an address or host name and a port, or unix:/path and port 0; nothing: nowhere. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:9002`, `[::1]:9002`, `localhost:9002`, `unix:/path`; port 0 takes any free one. */
export const hostPort: ValueOf<HostPort | undefined> = orNone(
  readBy(hostPortOf, 'an address and a port, as 127.0.0.1:9002 or [::1]:9002, or unix:/path'),
);

/** `10.0.0.2:6379`, `[::1]:6379`, `redis.internal:6379`: where to connect to. */
export const address: ValueOf<HostPort> = readBy(
  hostPortOf,
  'addresses with their ports, as 10.0.0.2:6379 or [::1]:6379',
).refine(({ port }) => port > 0, expecting('a port from 1 to 65535 behind each address'));

/** An address or a name, without a port. */
export const serverName: ValueOf<string> = z
  .string()
  .refine(isHost, expecting('an address or host name without a port'));

/** A name as browsers put it into Host, in lower case. */
export const hostName: ValueOf<string> = z
  .string()
  .transform((came) => came.toLowerCase())
  .refine(
    (came) => isHost(came),
    expecting('host names such as forsun.example.com, without a port'),
  );

/** What browsers send as Origin of a page. */
export const origin: ValueOf<string> = z
  .string()
  .refine(
    (came) => URL.canParse(came) && new URL(came).origin === came.toLowerCase(),
    expecting('origins such as https://ops.example.com, without a path'),
  );

function numberLike(form: RegExp, said: string, min: number, max: number): ValueOf<number> {
  const expected = expecting(said);
  return z
    .string()
    .regex(form, expected)
    .transform(Number)
    .pipe(z.number().min(min, expected).max(max, expected));
}

function bytesOf(size: string): number {
  const power = 'BKMG'.indexOf(size.slice(-1).toUpperCase());
  return Number.parseInt(size, 10) * 1024 ** Math.max(power, 0);
}

/** An address, or a name; compose files and Windows have them with underscores. */
export function isHost(came: string): boolean {
  return isIP(came) !== 0 || /^\w([\w.-]*\w)?$/.test(came);
}

function hostPortOf(came: string): HostPort | undefined {
  if (unixPath(came) !== undefined) return isBind(came) ? { host: came, port: 0 } : undefined;
  const [, six, other, digits] = /^(?:\[(.+)\]|([^:[\]]+)):(\d{1,5})$/.exec(came) ?? [];
  const host = six ?? other ?? '';
  const port = Number(digits);
  const isKnown = six === undefined ? isHost(host) : isIP(host) === 6;
  return isKnown && port <= 65_535 ? { host, port } : undefined;
}

function isNameServer(came: string): boolean {
  if (isIP(came) !== 0) return true;
  const [, six, four, port] = /^(?:\[(.+)\]|([^:]+)):(\d{1,5})$/.exec(came) ?? [];
  const isAddress = six === undefined ? isIP(four ?? '') === 4 : isIP(six) === 6;
  return isAddress && Number(port) >= 1 && Number(port) <= 65_535;
}

/** The system ends the path of a socket behind its 107th byte. */
const maxSocketPathBytes = 107;

function isBind(came: string): boolean {
  const path = unixPath(came);
  if (path === undefined) return isHost(came);
  return path.startsWith('/') && Buffer.byteLength(path) <= maxSocketPathBytes;
}

function isTimeZone(came: string): boolean {
  // Newer engines also take offsets ("+08:00"), which no calendar of ours understands.
  if (!/^[a-z]/i.test(came)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: came });
    return true;
  } catch {
    return false;
  }
}
