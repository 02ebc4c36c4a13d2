import { readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { commandFlags } from '../../src/config/flags.ts';
import { allSettings } from '../../src/config/load.ts';
import { obsoleteSettings } from '../../src/config/obsolete.ts';
import { confPlace, environmentName } from '../../src/config/setting.ts';

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

const page = read('docs/configuration.md');
const code = (text: string): string => (text === '' ? '' : `\`${text}\``);

/** Rows of the table below a heading, as they stand. */
function rowsOf(heading: string): readonly string[] {
  const [, section = ''] = page.split(`\n## ${heading}\n`);
  const [body = ''] = section.split('\n## ');
  return body.split('\n').filter((line) => /^\| *(`|\|)/.test(line));
}

function place(name: string): string {
  const { section, key } = confPlace(name);
  return code(section === 'global' ? key : `[${section}] ${key}`);
}

describe('docs/configuration.md', () => {
  test('has every setting as the schema has it, and no other', () => {
    const expected = allSettings.map(({ flag, name, default: byDefault, meaning }) => {
      const cells = [code(`--${flag}`), place(name), code(environmentName(name)), code(byDefault)];
      return `| ${[...cells, meaning].join(' | ')} |`;
    });
    expect(rowsOf('Settings')).toEqual(expected);
  });

  test('has every setting that has no effect, and no other', () => {
    const expected = obsoleteSettings.map(
      ({ name, because }) =>
        `| ${[place(name), code(environmentName(name)), because].join(' | ')} |`,
    );
    expect(rowsOf('Of forsun, and without effect')).toEqual(expected);
  });

  test('has every flag of the command', () => {
    const expected = commandFlags.map(
      ({ flag, takes, meaning }) =>
        `| \`--${flag}${takes === 'text' ? ' FILE' : ''}\` | ${meaning} |`,
    );
    expect(rowsOf('The command').slice(0, commandFlags.length)).toEqual(expected);
  });
});

test('the image takes the names of forsun’s own image for settings there are', () => {
  const pairs = [...page.matchAll(/^\| `(ARG_\w+)` \| `FORSUN_(\w+)` \|$/gm)];
  const entrypoint = read('bin/docker-entrypoint');
  const known = ['CONF', ...[...allSettings, ...obsoleteSettings].map(({ name }) => name)];
  expect(pairs).toHaveLength(13);
  for (const [, theirs = '', ours = ''] of pairs) {
    expect(known).toContain(ours);
    expect(entrypoint).toContain(`export FORSUN_${ours}="\${FORSUN_${ours}:-\${${theirs}:-`);
  }
});

test.each(['docker-compose.yml', 'docker-compose.cluster.yml'])('%s sets what there is', (file) => {
  const variables = [...read(file).matchAll(/^ +(FORSUN_\w+):/gm)].map(([, name]) => name);
  const known = allSettings.map(({ name }) => environmentName(name));
  expect(variables.length).toBeGreaterThan(0);
  expect(known).toEqual(expect.arrayContaining(variables));
});
