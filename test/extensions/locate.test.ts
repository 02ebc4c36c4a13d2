import { chmodSync, chownSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { beforeEach, describe, expect, test } from 'vitest';

import { locate } from '../../src/extensions/locate.ts';
import { anExtensionPath } from '../support/extension-path.ts';

const packageJson = (fields: object): string => JSON.stringify(fields);

describe('an extension is found', () => {
  test.each([
    ['as NAME.mjs', { 'a.mjs': '', 'a.js': '', 'a/index.js': '' }, 'a.mjs'],
    ['as NAME.js', { 'a.js': '', 'a/index.js': '' }, 'a.js'],
    ['as a directory', { 'a/index.js': '', 'node_modules/a/index.js': '' }, 'a/index.js'],
    ['as a directory with index.mjs', { 'a/index.mjs': '', 'a/index.js': '' }, 'a/index.mjs'],
    [
      'by main of its package.json',
      { 'a/package.json': packageJson({ main: './lib/x.js' }), 'a/lib/x.js': '', 'a/index.js': '' },
      'a/lib/x.js',
    ],
    [
      'by main without its ending',
      { 'a/package.json': packageJson({ main: 'lib/x' }), 'a/lib/x.js': '' },
      'a/lib/x.js',
    ],
    [
      'by main that is a directory',
      { 'a/package.json': packageJson({ main: './lib' }), 'a/lib/index.js': '' },
      'a/lib/index.js',
    ],
    [
      'as a directory whose package.json names only what it needs',
      { 'a/package.json': packageJson({ dependencies: {} }), 'a/index.mjs': '' },
      'a/index.mjs',
    ],
    [
      'by exports, of which main says nothing',
      { 'a/package.json': packageJson({ main: 'x', exports: './e.js' }), 'a/e.js': '' },
      'a/e.js',
    ],
    [
      'by the conditions under which we import',
      {
        'a/package.json': packageJson({
          exports: { '.': { require: './r.cjs', node: { types: './t', import: './i.mjs' } } },
        }),
        'a/i.mjs': '',
      },
      'a/i.mjs',
    ],
    [
      'as a package beside the others',
      { 'node_modules/a/index.js': '' },
      'node_modules/a/index.js',
    ],
    ['as a package of forsun', { '../node_modules/a/index.js': '' }, '../node_modules/a/index.js'],
  ])('%s', async (_, files, expected) => {
    const path = await anExtensionPath(files);
    const found = await locate('a', { paths: [path], installation: dirname(path) });
    expect(found).toBe(realpathSync(join(path, expected)));
  });

  test('with a scope in its name', async () => {
    const path = await anExtensionPath({ 'node_modules/@acme/a.b-c_1/index.js': '' });
    const found = await locate('@acme/a.b-c_1', { paths: [path], installation: '/nowhere' });
    expect(found).toBe(join(realpathSync(path), 'node_modules/@acme/a.b-c_1/index.js'));
  });

  test('in the first of several paths that has it, whatever it is there', async () => {
    const [none, first, second] = await Promise.all([
      anExtensionPath({ 'b.mjs': '' }),
      anExtensionPath({ 'node_modules/a/index.js': '' }),
      anExtensionPath({ 'a.mjs': '' }),
    ]);
    const found = await locate('a', { paths: [none, first, second], installation: '/nowhere' });
    expect(found).toBe(join(realpathSync(first), 'node_modules/a/index.js'));
  });

  test('beside an installed forsun, without an extension path', async () => {
    const root = await anExtensionPath({ 'node_modules/a/index.js': '' });
    const installation = join(root, 'node_modules/forsun');
    mkdirSync(installation);
    const expected = join(realpathSync(root), 'node_modules/a/index.js');
    expect(await locate('a', { paths: [], installation })).toBe(expected);
  });
});

describe('an extension is refused', () => {
  let path: string;
  beforeEach(async () => {
    path = await anExtensionPath({
      'a.mjs': '',
      'd/index.js': '',
      '../outside.mjs': '',
      'e/x': '',
    });
  });
  const find = (name = 'a') => locate(name, { paths: [path], installation: '/nowhere' });

  test.each([
    '',
    '.',
    '..',
    '../outside',
    './a',
    '/etc/a',
    'a/b',
    'a b',
    '@x',
    '@x/',
    '@x/..',
    'a\0',
    'ä',
    '.hidden',
    'file:a',
  ])('by the name %j', async (name) => {
    await expect(find(name)).rejects.toThrow('expected a name such as audit or @acme/audit');
  });

  test('when it is not there, with where it was looked for', async () => {
    await expect(find('x')).rejects.toThrow(`nothing is called so beside forsun or in ${path}`);
    await expect(locate('x', { paths: [path, '/b'], installation: '/nowhere' })).rejects.toThrow(
      `beside forsun or in ${path} or /b`,
    );
    await expect(locate('x', { paths: [], installation: '/nowhere' })).rejects.toThrow(
      '--extension-path names a directory',
    );
  });

  test('when its directory has nothing to load', async () => {
    await expect(find('e')).rejects.toThrow(
      `${path}/e has neither index.mjs nor index.js, nor a package.json that names another`,
    );
  });

  test.each([
    ['names what is not there', '{"main":"./gone.js"}', /e.package.json names \S*gone.js, which/],
    [
      'exports what is not there',
      '{"exports":"./gone.js"}',
      /names \S*gone.js, which is not there/,
    ],
    ['exports nothing', '{"exports":{"./x":"./x"},"main":"x"}', /exports nothing at "."/],
    ['is no JSON', '{main', /e.package.json is no JSON: /],
    ['is JSON of nothing', 'null', /nor a package.json that names another/],
  ])('when its package.json %s', async (_, text, reason) => {
    writeFileSync(join(path, 'e', 'package.json'), text);
    await expect(find('e')).rejects.toThrow(reason);
  });

  test('when it leads out of the extension path', async () => {
    symlinkSync('../outside.mjs', join(path, 'link.mjs'));
    symlinkSync('..', join(path, 'up'));
    writeFileSync(join(path, '..', 'index.js'), '');
    await expect(find('link')).rejects.toThrow(`out of ${path}`);
    await expect(find('up')).rejects.toThrow(`out of ${path}`);
    symlinkSync('a.mjs', join(path, 'inside.mjs'));
    expect(await find('inside')).toBe(join(realpathSync(path), 'a.mjs'));
  });

  test.each([
    ['the file', 'a', 'a.mjs', 0o664],
    ['the file', 'a', 'a.mjs', 0o646],
    ['its directory', 'd', 'd', 0o775],
    ['the extension path', 'a', '.', 0o777],
    ['the extension path, sticky or not', 'd', '.', 0o1777],
  ])('when others may write to %s', async (_, name, where, mode) => {
    chmodSync(join(path, where), mode);
    await expect(find(name)).rejects.toThrow(
      `others than its owner may write to ${join(realpathSync(path), where)}; chmod go-w`,
    );
  });

  test.runIf(process.getuid?.() === 0)('when it belongs to another user than root', async () => {
    chownSync(join(path, 'a.mjs'), 65_534, 65_534);
    await expect(find()).rejects.toThrow(
      'a.mjs belongs to user 65534, neither to root nor to us (0)',
    );
  });
});
