import { describe, expect, test } from 'vitest';

import { type Loaded, loadConfig } from '../../src/config/load.ts';

const load = (text: string, environment = {}): Loaded =>
  loadConfig({ conf: { file: 'forsun.conf', text }, environment });

const two = '[extension]\nextensions = audit;@acme/log\n';

describe('settings of an extension', () => {
  test('stand in its own section, as they were written, or in the environment, which wins', () => {
    const { config, warnings } = load(
      `${two}[extension.audit]\nFile = /a b;c#d%e\nlevel = 1\n[ Extension.@acme/log ]\nlevel: 2`,
      { FORSUN_EXTENSION_AUDIT__LEVEL: '3', FORSUN_EXTENSION__ACME_LOG__DB_PASSWORD: 's' },
    );
    expect(config.extension.names).toEqual(['audit', '@acme/log']);
    expect(Object.fromEntries(config.extensionSections.get('audit')!)).toEqual({
      file: '/a b;c#d%e',
      level: '3',
    });
    expect(Object.fromEntries(config.extensionSections.get('@acme/log')!)).toEqual({
      level: '2',
      db_password: 's',
    });
    expect(warnings).toEqual([]);
  });

  test('that are empty leave them unset', () => {
    const environment = { FORSUN_EXTENSION_AUDIT__LEVEL: '' };
    const { config } = load(`${two}[extension.audit]\nlevel = 1\nfile =\n`, environment);
    expect(config.extensionSections.get('audit')).toEqual(new Map([['level', '1']]));
  });

  test.each([
    ['[extension.audit]\nlevel = 1', '; no extension is loaded'],
    [`${two}[extension.audti]\nlevel = 1`, '; loaded are audit, @acme/log; did you mean audit?'],
  ])('are refused by name when it is not loaded', (text, hint) => {
    expect(() => load(text)).toThrow(
      /^forsun.conf:\d: a setting for the extension "aud\w+", which is not loaded(.*)$/,
    );
    expect(() => load(text)).toThrow(hint);
  });

  const names = ['a__b', 'a_', '_', '-x', '@s/p.q', 'B2'] as const;

  test.each(names)('of an extension named %s stand in a variable as in its section', (name) => {
    const upper = name.toUpperCase().replace(/[^A-Z0-9]/g, '_');
    const environment = { [`FORSUN_EXTENSION_${upper}__DB__KEY_`]: 'v' };
    const conf = (text = '') => `[extension]\nextensions = other;${name}\n${text}`;
    const expected = new Map([['db__key_', 'v']]);
    const inVariable = load(conf(), environment);
    expect(inVariable.config.extensionSections.get(name)).toEqual(expected);
    expect(inVariable.warnings).toEqual([]);
    const inSection = load(conf(`[extension.${name}]\ndb__key_ = v`));
    expect(inSection.config.extensionSections.get(name)).toEqual(expected);
  });

  test.each([
    ['a-b;a.b', 'FORSUN_EXTENSION_A_B__KEY', 'a-b and a.b'],
    ['a;A', 'FORSUN_EXTENSION_A__KEY', 'a and A'],
    ['a__b;a', 'FORSUN_EXTENSION_A__B__KEY', 'a__b and a'],
  ])('that two extensions, %s, could mean by %s are refused', (extensions, variable, both) => {
    const conf = `[extension]\nextensions = ${extensions}`;
    expect(() => load(conf, { [variable]: 'v' })).toThrow(
      `${variable} could be meant for the extensions ${both}; in forsun.conf a section as [extension.`,
    );
  });

  test('of an extension that is named twice are its own', () => {
    const { config } = load('[extension]\nextensions = a;a', { FORSUN_EXTENSION_A__KEY: 'v' });
    expect(config.extensionSections.get('a')).toEqual(new Map([['key', 'v']]));
  });

  test('in the environment of one that is not loaded are a warning', () => {
    const { warnings } = load(two, { FORSUN_EXTENSION_OTHER__LEVEL: '3' });
    expect(warnings).toEqual([
      'ignored, because no extension so called is loaded: FORSUN_EXTENSION_OTHER__LEVEL',
    ]);
  });

  test('are not mixed up with those of another section', () => {
    expect(() => load(`${two}[extension.audit]\nlevel = 1\nlevel = 2`)).toThrow(
      'forsun.conf:5: "level" is set a second time, first in line 4',
    );
    const { config } = load(`${two}timeout = 7\n[extension.audit]\ntimeout = 8`);
    expect(config.extension.stepTimeoutSeconds).toBe(7);
    expect(config.extensionSections.get('audit')).toEqual(new Map([['timeout', '8']]));
  });
});
