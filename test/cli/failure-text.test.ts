import { expect, test } from 'vitest';

import { failureText } from '../../src/cli/failure-text.ts';

/** What Node makes of it when a name to listen on cannot be looked up. */
const lookupError = (code: string, hostname: string): Error =>
  Object.assign(new Error(`getaddrinfo ${code} ${hostname}`), {
    code,
    hostname,
    syscall: 'getaddrinfo',
  });

test.each([
  ['ENOTFOUND', 'the name is unknown'],
  ['EAI_AGAIN', 'no name server answers'],
])('a name to listen on that has no address is told by name: %s', (code, reason) => {
  const text = failureText(lookupError(code, 'no.such.name'));
  expect(text).toBe(`cannot listen on no.such.name: ${reason}`);
});
