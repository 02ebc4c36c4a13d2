import { describe, expect, onTestFinished, test } from 'vitest';

import type { Action } from '../../src/actions/action.ts';
import type { ExtensionHost } from '../../src/extensions/extension.ts';
import type { Clock } from '../../src/core/time.ts';
import { Extensions, type ExtensionsSettings } from '../../src/extensions/extensions.ts';
import { actionSource, anExtensionPath, extensionSource } from '../support/extension-path.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordedLog } from '../support/recorded-log.ts';

const own = { actions: ['shell', 'http'], drivers: ['mem'] };

/** Extensions of these sources, loaded by the names of their files. */
async function setUp(
  sources: Readonly<Record<string, string>>,
  settings: Partial<ExtensionsSettings> = {},
  time?: Clock,
) {
  const clock = new FakeClock();
  const files = Object.entries(sources).map(([name, text]) => [`${name}.mjs`, text] as const);
  const path = await anExtensionPath(Object.fromEntries(files));
  const log = new RecordedLog();
  const extensions = new Extensions(
    {
      ...{ paths: [path], installation: path, names: Object.keys(sources), onError: 'stop' },
      ...{ sections: new Map(), ...settings },
    },
    {
      ...{
        clock: time ?? clock,
        log,
        timeoutSeconds: 10,
        guests: { work: (_name, work) => work() },
      },
      dial: () => Promise.reject(new Error('no target here')),
      importModule: async (url) => (await import(/* @vite-ignore */ url)) as object,
    },
  );
  onTestFinished(() => extensions.stop());
  return { extensions, clock, log, path };
}

const registering = (name: string, ...actions: readonly string[]): string =>
  extensionSource(
    name,
    `register(host) { for (const action of [${actions.join()}]) host.registerAction(action); }`,
  );

describe('the life of extensions', () => {
  test('is load, register, start in the order asked, and stop the other way', async () => {
    const steps: string[] = [];
    Object.assign(globalThis, { stepsOfTest: steps });
    const source = (name: string): string =>
      `const tell = (step) => stepsOfTest.push('${name} ' + step); tell('loads');` +
      extensionSource(
        name,
        `register() { tell('registers'); }, async start() { tell('starts'); }, stop() { tell('stops'); }`,
      );
    const { extensions } = await setUp({ b: source('b'), a: source('a') });
    await extensions.register(own);
    await extensions.start('mem');
    expect(extensions.names).toEqual(['b', 'a']);
    await extensions.stop();
    await extensions.stop();
    expect(steps).toEqual([
      'b loads',
      'b registers',
      'a loads',
      'a registers',
      'b starts',
      'a starts',
      'a stops',
      'b stops',
    ]);
  });

  test('brings their actions and stores', async () => {
    const register = `register(host) {
      host.registerAction(${actionSource('note')});
      host.registerStore('notes', async () => ({}));
    }`;
    const { extensions } = await setUp({ notes: extensionSource('notes', register) });
    await extensions.register(own);
    expect(extensions.actions.map(({ name }) => name)).toEqual(['note']);
    expect([...extensions.drivers.keys()]).toEqual(['notes']);
  });

  test('one named twice is loaded once', async () => {
    const { extensions } = await setUp({ a: extensionSource('a') }, { names: ['a', 'a'] });
    await extensions.register(own);
    expect(extensions.names).toEqual(['a']);
  });

  test('gives each its own settings', async () => {
    const register = `register({ settings }) {
      if (settings.get('file') !== '/x' || settings.get('level') !== undefined) throw 'wrong';
    }`;
    const sections = new Map([
      ['a', new Map([['file', '/x']])],
      ['b', new Map([['level', '7']])],
    ]);
    const { extensions } = await setUp({ a: extensionSource('a', register) }, { sections });
    await extensions.register(own);
    expect(extensions.names).toEqual(['a']);
  });
});

const failures: readonly (readonly [what: string, source: string, reason: RegExp])[] = [
  ['cannot be parsed', 'export default {', /be loaded: .*SyntaxError|be loaded: /],
  ['throws when loaded', 'throw new TypeError("oh");', /be loaded: TypeError: oh$/],
  ['throws null when loaded', 'throw null;', /be loaded: it threw null$/],
  ['exports nothing', 'export const a = 1;', /bad\.mjs has no extension as its default export$/],
  ['exports null', 'export default null;', /bad\.mjs has no extension as its default export$/],
  ['is named otherwise', extensionSource('good'), /in .*bad\.mjs it is named "good"$/],
  ['has no register', `export default { name: 'bad' };`, /it has no function register$/],
  [
    'has a start that is no function',
    extensionSource('bad', 'register() {}, start: 1'),
    /its start is no function$/,
  ],
  [
    'throws in register',
    extensionSource('bad', 'register() { throw new RangeError("a\\nb"); }'),
    /register: RangeError: a b$/,
  ],
  [
    'rejects with undefined',
    extensionSource('bad', 'register: () => Promise.reject(undefined)'),
    /register: it threw undefined$/,
  ],
  [
    'throws what cannot be shown',
    extensionSource('bad', 'register() { throw Object.create(null); }'),
    /register: it threw what cannot be shown$/,
  ],
  ['registers no action', registering('bad', 'null'), /an action is an object, object came$/],
  [
    'registers an action without prepare',
    registering('bad', actionSource('x', 'prepare: 1')),
    /the action x needs prepare, a function$/,
  ],
  [
    'registers an action without a deadline',
    registering('bad', actionSource('x', 'timeoutSeconds: "5"')),
    /the action x needs timeoutSeconds, a number above 0$/,
  ],
  [
    'registers an action of a strange name',
    registering('bad', actionSource('a b')),
    /an action is named "a b", expected a name like /,
  ],
  [
    'registers an action that forsun has',
    registering('bad', actionSource('http')),
    /the action http is there already, of forsun$/,
  ],
  [
    'registers an action twice',
    registering('bad', actionSource('x'), actionSource('x')),
    /the action x is there already, of this extension, a moment ago$/,
  ],
  [
    'registers the driver that forsun has',
    extensionSource('bad', `register(host) { host.registerStore('mem', () => {}); }`),
    /the store driver mem is there already, of forsun$/,
  ],
  [
    'registers a store that does not open',
    extensionSource('bad', `register(host) { host.registerStore('x'); }`),
    /the store driver x needs open, a function$/,
  ],
];

describe('an extension that fails', () => {
  test.each(failures)('because it %s, stops the start, told by name', async (_, bad, reason) => {
    const { extensions } = await setUp({ bad });
    const failure = await extensions.register(own).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'ExtensionError', extension: 'bad' });
    expect((failure as Error).message).toMatch(reason);
    expect((failure as Error).message).toMatch(/^the extension "bad" could not /);
    expect((failure as Error).message).not.toContain('\n');
  });

  test.each(failures)('because it %s, is left out as if it were not there', async (_, bad) => {
    const sources = { first: registering('first', actionSource('one')), bad };
    const settings = { names: ['first', 'bad', 'last'], onError: 'skip' } as const;
    const last = registering('last', actionSource('x'));
    const { extensions, log } = await setUp({ ...sources, last }, settings);
    await extensions.register(own);
    expect(extensions.names).toEqual(['first', 'last']);
    expect(extensions.actions.map(({ name }) => name)).toEqual(['one', 'x']);
    expect(extensions.drivers.size).toBe(0);
    const leftOut = log.lines.filter(({ event }) => event === 'extension_left_out');
    expect(leftOut).toMatchObject([{ level: 'error', fields: { extension: 'bad' } }]);
  });

  test('because a step never ends, is told so at its deadline', async () => {
    const reached = aSignal();
    const never = 'register: () => { reachedForTest(); return new Promise(() => {}); }';
    const { extensions, clock } = await setUp({ bad: extensionSource('bad', never) });
    const registered = extensions.register(own).catch(String);
    await reached;
    await clock.advance(10);
    expect(await registered).toBe(
      'ExtensionError: the extension "bad" could not register: it was not done within 10 s',
    );
  });

  test('brings nothing afterwards, whatever it held on to', async () => {
    const register = `async register(host) { globalThis.heldByTest = host; throw 1; }`;
    const { extensions } = await setUp(
      { bad: extensionSource('bad', register) },
      { onError: 'skip' },
    );
    await extensions.register(own);
    const { heldByTest: host } = globalThis as unknown as { heldByTest: ExtensionHost };
    expect(() => host.registerAction({} as Action)).toThrow('in register() only');
    expect(() => host.registerStore('x', () => Promise.reject(new Error()))).toThrow('only');
    expect(extensions.actions).toEqual([]);
  });

  test('by a setting that it does not know, names the setting', async () => {
    const register = `register({ settings }) { settings.get('file'); }`;
    const sections = new Map([['a', new Map([['fiel', '/x']])]]);
    const { extensions } = await setUp({ a: extensionSource('a', register) }, { sections });
    await expect(extensions.register(own)).rejects.toThrow('it knows no setting "fiel"');
  });

  test.each(['File', 'max-size', '', 'a b'])(
    'that asks for a setting that nothing can spell, %j, is told so',
    async (key) => {
      const register = `register({ settings }) { settings.get(${JSON.stringify(key)}); }`;
      const { extensions } = await setUp({ a: extensionSource('a', register) });
      await expect(extensions.register(own)).rejects.toThrow(
        `it asks for the setting "${key}"; keys are lower-case letters, digits and _`,
      );
    },
  );

  test('to start, stops the start, or takes all it has brought away', async () => {
    const steps: string[] = [];
    Object.assign(globalThis, { stepsOfTest: steps });
    const members = `
      register(host) { host.registerAction(${actionSource('x', 'close() { stepsOfTest.push("closed"); }')}); },
      start() { throw new Error('no licence'); },
      stop() { stepsOfTest.push('stopped'); }`;
    const sources = { bad: extensionSource('bad', members) };
    const { extensions } = await setUp(sources);
    await extensions.register(own);
    await expect(extensions.start('mem')).rejects.toThrow('could not start: no licence');

    const skipping = await setUp(sources, { onError: 'skip' });
    await skipping.extensions.register(own);
    await skipping.extensions.start('mem');
    expect([skipping.extensions.names, skipping.extensions.actions]).toEqual([[], []]);
    expect(steps).toEqual(['closed', 'stopped']);
  });

  test('to start, while its store is open, is not left out', async () => {
    const members = `
      register(host) { host.registerStore('notes', async () => ({})); },
      start() { throw new Error('no licence'); }`;
    const sources = { bad: extensionSource('bad', members) };
    const { extensions } = await setUp(sources, { onError: 'skip' });
    await extensions.register(own);
    await expect(extensions.start('notes')).rejects.toThrow('no licence');
  });

  test('to stop, or never does, keeps no other from stopping', async () => {
    const steps: string[] = [];
    Object.assign(globalThis, { stepsOfTest: steps });
    const { extensions, clock, log } = await setUp({
      first: extensionSource('first', 'register() {}, stop() { stepsOfTest.push("first"); }'),
      throws: extensionSource('throws', 'register() {}, stop() { throw null; }'),
      hangs: extensionSource('hangs', 'register() {}, stop: () => new Promise(() => {})'),
    });
    await extensions.register(own);
    const stopped = extensions.stop();
    await clock.advance(10);
    await stopped;
    expect(steps).toEqual(['first']);
    const broke = log.lines.filter(({ event }) => event === 'extension_broke');
    expect(broke.map(({ fields }) => [fields['extension'], fields['reason']])).toEqual([
      ['hangs', 'it was not done within 3 s'],
      ['throws', 'it threw null'],
    ]);
  });

  test('to let the server go on for a while, is told of, with how long it was', async () => {
    const clock = new FakeClock();
    let blockedMs = 0;
    const { extensions, log } = await setUp(
      { slow: extensionSource('slow', 'register() { blockForTest(); }') },
      {},
      {
        now: () => clock.now(),
        nowMs: () => clock.nowMs(),
        monotonicMs: () => clock.monotonicMs() + blockedMs,
        sleepWhile: (second, signal) => clock.sleepWhile(second, signal),
        after: (ms, callback) => clock.after(ms, callback),
      },
    );
    Object.assign(globalThis, { blockForTest: () => (blockedMs = 3000) });
    await extensions.register(own);
    expect(log.lines).toContainEqual({
      level: 'warn',
      event: 'extension_blocked_server',
      fields: { extension: 'slow', step: 'register', ms: 3000 },
    });
  });
});

/** Resolves when an extension calls reachedForTest. */
const aSignal = (): Promise<void> =>
  new Promise((resolve) => Object.assign(globalThis, { reachedForTest: resolve }));
