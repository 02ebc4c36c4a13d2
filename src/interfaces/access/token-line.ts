import { createHash, randomBytes } from 'node:crypto';

import type { Role } from './caller.ts';
import { type Grant, roles } from './grant.ts';

/** A line of the token file: a token, known by its hash only, and what it is good for. */
export interface TokenLine {
  /** SHA-256 of the token, 64 hexadecimal digits. */
  readonly hash: string;
  readonly grant: Grant;
}

/**
 * Shorter ones are never valid: a fast hash keeps what nobody can guess, and only that. Longer ones would
 * not fit before a method in the names of Thrift's messages.
 */
export const tokenLength = { min: 32, max: 100 } as const;

const maxLines = 1_000;
const maxPerName = 2;
const form = 'NAME ROLE sha256:HASH [keys=PREFIX] [actions=ACTION,…]';

export const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest();

/** A new token: 256 bits that nobody knows, marked as ours for those who search files for secrets. */
export const makeToken = (): string => `forsun_${randomBytes(32).toString('base64url')}`;

export const formatTokenLine = ({ hash, grant }: TokenLine): string =>
  [
    ...[grant.name, grant.role, `sha256:${hash}`],
    ...(grant.prefix === undefined ? [] : [`keys=${grant.prefix}`]),
    ...(grant.actions === undefined ? [] : [`actions=${grant.actions.join(',')}`]),
  ].join(' ');

/**
 * Reads a token file: one token a line, empty lines and those that begin with # left out. Throws an Error
 * that names the line: for what is not understood, for a token that stands twice, and for a name's third,
 * since two are what changing a token takes.
 */
export function parseTokens(text: string): readonly TokenLine[] {
  const lines = new Map<string, TokenLine>();
  const countByName = new Map<string, number>();
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const content = raw.trim();
    if (content === '' || content.startsWith('#')) continue;
    const fail = (problem: string): never => {
      throw new Error(`line ${index + 1}: ${problem}`);
    };
    const line = parseTokenWords(content.split(/\s+/), fail);
    const { name } = line.grant;
    const count = (countByName.get(name) ?? 0) + 1;
    countByName.set(name, count);
    if (lines.has(line.hash)) fail('this token stands there already');
    if (count > maxPerName) fail(`${name} has ${maxPerName} tokens already; take one out`);
    if (lines.size === maxLines) fail(`${maxLines} tokens are the most there may be`);
    lines.set(line.hash, line);
  }
  return [...lines.values()];
}

function parseTokenWords(words: readonly string[], fail: (problem: string) => never): TokenLine {
  const [name = '', role = '', hashed = '', ...limits] = words;
  const [, hash] = /^sha256:([0-9a-f]{64})$/i.exec(hashed) ?? [];
  if (hash === undefined) return fail(`expected ${form}`);
  return { hash: hash.toLowerCase(), grant: parseGrant([name, role, ...limits], fail) };
}

/**
 * What a line says but for its hash: a name, a role, and limits. Problems do not show what came, for it may be
 * a token, and the log has them.
 */
export function parseGrant(
  [name = '', role = '', ...limits]: readonly string[],
  fail: (problem: string) => never,
): Grant {
  if (!/^[\w.@-]{1,64}$/.test(name)) {
    return fail('a name is 1 to 64 letters, digits and any of _ - . @');
  }
  if (!isRole(role)) return fail(`a role is ${roles.join(', ')}`);
  const grant: { name: string; role: Role; prefix?: string; actions?: readonly string[] } = {
    name,
    role,
  };
  for (const limit of limits) {
    const [, kind, value = ''] = /^(keys|actions)=(.+)$/.exec(limit) ?? [];
    const actions = kind === 'actions' ? value.split(',') : [];
    if (kind === 'keys' && grant.prefix === undefined) grant.prefix = value;
    else if (kind === 'actions' && grant.actions === undefined && !actions.includes('')) {
      grant.actions = actions;
    } else return fail('at the end, keys=PREFIX and actions=ACTION,… may stand, once each');
  }
  return grant;
}

const isRole = (word: string): word is Role => roles.some((role) => role === word);
