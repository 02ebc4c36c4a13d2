import { badArgument, quote } from './errors.ts';
import type { Params } from './plan.ts';

/** What a plan may take, in bytes of UTF-8 where bytes are said. */
export interface PlanLimits {
  readonly keyBytes: number;
  readonly params: number;
  readonly paramNameBytes: number;
  readonly paramValueBytes: number;
  /** All names and values together. */
  readonly paramsBytes: number;
}

export const defaultPlanLimits: PlanLimits = {
  keyBytes: 512,
  params: 256,
  paramNameBytes: 128,
  paramValueBytes: 256 * 1024,
  paramsBytes: 512 * 1024,
};

/** Refuses with bad_argument what could not be told apart on a screen, or passes the limit. */
export function checkKey(key: string, limits: PlanLimits): void {
  const bytes = Buffer.byteLength(key);
  if (bytes > limits.keyBytes) {
    throw badArgument(`the key has ${bytes} bytes, expected at most ${limits.keyBytes}`);
  }
  if (/[\p{Cc}\p{Cs}]/u.test(key)) {
    throw badArgument(
      `the key ${quote(key)} has a control character or half a surrogate pair, expected neither`,
    );
  }
}

/** Refuses with bad_argument what passes a limit or is not text, so would not come back as it went. */
export function checkParams(params: Params, limits: PlanLimits): void {
  if (params.size > limits.params) {
    throw badArgument(`there are ${params.size} params, expected at most ${limits.params}`);
  }
  let total = 0;
  for (const [name, value] of params) {
    const nameBytes = Buffer.byteLength(name);
    const valueBytes = Buffer.byteLength(value);
    if (nameBytes === 0 || nameBytes > limits.paramNameBytes) {
      const expected = `expected 1 to ${limits.paramNameBytes}`;
      throw badArgument(`the name of param ${quote(name)} has ${nameBytes} bytes, ${expected}`);
    }
    if (valueBytes > limits.paramValueBytes) {
      const expected = `expected at most ${limits.paramValueBytes}`;
      throw badArgument(`the param ${quote(name)} has ${valueBytes} bytes, ${expected}`);
    }
    if (!isText(name, nameBytes) || !isText(value, valueBytes)) {
      throw badArgument(`the param ${quote(name)} has half a surrogate pair, expected text`);
    }
    total += nameBytes + valueBytes;
  }
  if (total > limits.paramsBytes) {
    throw badArgument(`the params have ${total} bytes, expected at most ${limits.paramsBytes}`);
  }
}

/** No lone surrogate in it; as many bytes as characters is ASCII, which most params are. */
const isText = (text: string, bytes: number): boolean =>
  bytes === text.length || !/\p{Cs}/u.test(text);
