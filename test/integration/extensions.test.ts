import { readFile } from 'node:fs/promises';

import { describe, expect, test } from 'vitest';

import { actionSource, anExtensionPath, extensionSource } from '../support/extension-path.ts';
import { eventually } from '../support/eventually.ts';
import { aStore, EndedEarly, ForsundProcess } from '../support/forsund-process.ts';

const flags = (path: string, ...names: readonly string[]): string[] => [
  ...['--extension-path', path],
  ...names.flatMap((name) => ['--extension', name]),
];

/** An action that logs whom it greets, and refuses to greet nobody. */
const greeter = `
import { badArgument, paramFacts, readParams, z } from 'forsun/extension';

const params = z.object({ whom: z.string().register(paramFacts, { expected: 'a name' }) });

export default {
  name: 'greeter',
  register({ log, settings, registerAction }) {
    const word = settings.get('word') ?? 'hello';
    registerAction({
      name: 'greet',
      maxRunsPerOrigin: 10,
      timeoutSeconds: 5,
      retriesDeadline: true,
      prepare(given) {
        const { whom } = readParams('greet', params, given);
        if (whom === 'nobody') throw badArgument('there is nobody');
        return {
          async run({ key }) {
            log.info('greeted', { key, said: word + ', ' + whom });
            return { kind: 'done' };
          },
        };
      },
    });
  },
};`;

const registering = (name: string, action: string): string =>
  extensionSource(name, `register(host) { host.registerAction(${action}); }`);

const once = { second: 1, count: 1 } as const;

describe('an extension', () => {
  test('from any directory gets the running server’s own module, and its action fires', async () => {
    const path = await anExtensionPath({ 'greeter.mjs': greeter });
    const forsund = await ForsundProcess.start({
      store: await aStore(),
      args: flags(path, 'greeter'),
      env: { FORSUN_EXTENSION_GREETER__WORD: 'good day' },
    });
    const client = forsund.client();
    await client.createTimeout({ key: 'a', ...once, action: 'greet', params: { whom: 'Ada' } });
    await eventually(() => forsund.output.includes('greeted'));
    expect(forsund.output).toContain('greeted key=a said="good day, Ada" extension=greeter');

    const refused = (params: Record<string, string>) =>
      client.createTimeout({ key: 'b', ...once, action: 'greet', params });
    await expect(refused({ whom: 'nobody' })).rejects.toMatchObject({ code: 1007 });
    await expect(refused({})).rejects.toThrow(
      'the param whom of the action greet is missing; expected a name',
    );
    expect(Object.fromEntries(await client.info())).toMatchObject({
      extensions: 'greeter',
      actions: expect.stringMatching(/^shell;http;.*greet$/) as string,
      stores: 'mem;redis',
      current_store: 'mem',
    });
    expect(await forsund.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  });

  test('that is gone takes its action with it: stored plans of it fail as unknown', async () => {
    const path = await anExtensionPath({ 'greeter.mjs': greeter });
    const store = await aStore();
    const before = await ForsundProcess.start({ store, args: flags(path, 'greeter') });
    await before
      .client()
      .createTimeout({ key: 'a', ...once, action: 'greet', params: { whom: 'Ada' } });
    await before.kill('SIGKILL');
    const after = await ForsundProcess.start({ store });
    await eventually(() => after.output.includes('firing_failed'));
    expect(after.output).toContain('no action is called \\"greet\\"; there are shell, http');
  });
});

describe('an extension that misbehaves', () => {
  test.each([
    ['throws', extensionSource('bad', 'register() { throw null; }'), 'it threw null'],
    [
      'hangs',
      extensionSource('bad', 'register: () => new Promise(() => {})'),
      'not done within 1 s',
    ],
    [
      'ends the process',
      extensionSource('bad', 'register() { process.exit(0); }'),
      'it called process.exit(0)',
    ],
  ])('%s: no start, in one line that names it, or left out', async (_, bad, reason) => {
    const path = await anExtensionPath({ 'bad.mjs': bad, 'greeter.mjs': greeter });
    const args = [...flags(path, 'bad', 'greeter'), '--extension-timeout', '1'];
    const ended: unknown = await ForsundProcess.start({ store: await aStore(), args }).catch(
      (error: unknown) => error,
    );
    expect(ended).toBeInstanceOf(EndedEarly);
    const { exit, output } = ended as EndedEarly;
    expect(exit.code).toBe(1);
    expect(output).toMatch(/^forsund: the extension "bad" could not register: .*\n$/m);
    expect(output).toContain(reason);

    const skip = [...args, '--extension-on-error', 'skip'];
    const forsund = await ForsundProcess.start({ store: await aStore(), args: skip });
    expect(forsund.output).toMatch(/ERROR extension_left_out extension=bad step=register reason=/);
    expect((await forsund.client().info()).get('extensions')).toBe('greeter');
  });

  test('in an action: costs its own firings and requests, told by name', async () => {
    const broken = actionSource(
      'broken',
      `prepare(params) {
        if (params.has('refuse')) throw undefined;
        if (params.has('exit')) return { run: async () => process.exit(7) };
        return { run: async () => 'done' };
      }`,
    );
    const path = await anExtensionPath({ 'bad.mjs': registering('bad', broken) });
    const forsund = await ForsundProcess.start({ store: await aStore(), args: flags(path, 'bad') });
    const client = forsund.client();
    const create = (key: string, params = {}) =>
      client.createTimeout({ key, ...once, action: 'broken', params });
    await expect(create('a', { refuse: 'x' })).rejects.toMatchObject({
      code: 1001,
      message: expect.stringContaining('the extension "bad" broke') as string,
    });
    await create('b', { exit: 'x' });
    await create('c');
    const failures = () => [...forsund.output.matchAll(/firing_failed .*/g)].map(([line]) => line);
    await eventually(() => failures().length === 2);
    expect(failures().toSorted()).toEqual([
      expect.stringMatching(/key=b .*the extension bad broke: .*process\.exit\(7\)/),
      expect.stringMatching(/key=c .*the extension bad broke: its answer is no outcome/),
    ]);
    await client.ping();
  });

  test.each([
    ['an error', 'throw new Error("\\u001b[31moh\\u009b")', 'Error:  [31moh '],
    ['what cannot be shown', 'throw Object.create(null)', 'what was thrown cannot be shown'],
    ['a rejection', 'Promise.reject(new Error("oh"))', 'Error: oh'],
  ])('with %s that nobody catches ends the server, which says whose it was', async (...given) => {
    const [, late, told] = given;
    const start = `register() {}, start() { setTimeout(() => { ${late}; }, 300); }`;
    const path = await anExtensionPath({ 'bad.mjs': extensionSource('bad', start) });
    const forsund = await ForsundProcess.start({ store: await aStore(), args: flags(path, 'bad') });
    expect(await forsund.exited).toMatchObject({ code: 1 });
    expect(forsund.output).toContain(`forsund: stopped by a bug of the extension bad: ${told}\n`);
    expect(forsund.output).toMatch(/ERROR stopped_by_bug origin=\w+ extension=bad error=/);
  });

  test('with an error at the deadline of its run is named too', async () => {
    const action = actionSource(
      'broken',
      `prepare: () => ({
        run: ({ signal }) => new Promise(() => {
          signal.addEventListener('abort', () => { throw new Error('oh'); });
        }),
      })`,
    );
    const path = await anExtensionPath({ 'bad.mjs': registering('bad', action) });
    const forsund = await ForsundProcess.start({ store: await aStore(), args: flags(path, 'bad') });
    const params = { 'forsun.timeout': '1' };
    await forsund.client().createTimeout({ key: 'a', ...once, action: 'broken', params });
    expect(await forsund.exited).toMatchObject({ code: 1 });
    expect(forsund.output).toContain('stopped by a bug of the extension bad: Error: oh');
  });

  test('by keeping all others waiting is told of, by name', async () => {
    const block = 'register() { const end = Date.now() + 1200; while (Date.now() < end); }';
    const path = await anExtensionPath({ 'bad.mjs': extensionSource('bad', block) });
    const forsund = await ForsundProcess.start({ store: await aStore(), args: flags(path, 'bad') });
    expect(forsund.output).toMatch(
      /WARN extension_blocked_server extension=bad step=register ms=1[1-9]\d\d/,
    );
  });
});

test('a driver that nobody has is refused, with those there are', async () => {
  const register = `register(host) { host.registerStore('notes', async () => ({})); }`;
  const path = await anExtensionPath({ 'notes.mjs': extensionSource('notes', register) });
  const start = async (driver: string) =>
    ForsundProcess.start({
      store: await aStore(),
      args: [...flags(path, 'notes'), '--driver', driver],
    });
  await expect(start('paper')).rejects.toThrow(
    'no store driver is called "paper"; there are mem, redis, notes',
  );
  await expect(start('notes')).rejects.toThrow(
    'the store notes of the extension notes could not be opened: it has no now',
  );
});

test('a store that breaks its rules is told of by name, and what it keeps fires once it keeps them', async () => {
  const journal = await readFile('examples/extensions/journal.mjs', 'utf8');
  const moody = `
    import { openJournalStore } from './journal.mjs';
    const moods = [
      () => { throw null; },
      () => Promise.reject(Object.create(null)),
      () => undefined,
      () => ({ claims: [{}], merged: 0, skipped: 0, misfires: 0, moved: 1, more: false }),
    ];
    const open = async (options) => {
      const store = await openJournalStore(process.env.HOME + '/journal', options);
      const claim = store.claim.bind(store);
      return Object.assign(store, { claim: (...asked) => (moods.shift() ?? claim)(...asked) });
    };
    export default {
      name: 'moody',
      register(host) { host.registerStore('moody', open); },
    };`;
  const path = await anExtensionPath({ 'moody.mjs': moody, 'journal.mjs': journal });
  const args = [...flags(path, 'moody'), '--driver', 'moody'];
  const forsund = await ForsundProcess.start({ store: await aStore(), args });
  const client = forsund.client();
  await client.createTimeout({ key: 'a', ...once, action: 'shell', params: { cmd: 'exit 3' } });
  await eventually(() => forsund.output.includes('firing_failed'));
  const told = [...forsund.output.matchAll(/due_not_claimed error="Error: (.*)"/g)];
  expect(told.map(([, text]) => text)).toEqual([
    'the store moody of the extension moody broke in claim: it threw null',
    'the store moody of the extension moody broke in claim: it threw what cannot be shown',
    expect.stringContaining('broke in claim: TypeError: Cannot read properties of undefined'),
    'the store moody of the extension moody broke in claim: number 0 of its claims is none',
  ]);
  expect(await client.getFailures('a')).toMatchObject([{ key: 'a', attempts: 1 }]);
});
