import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

import { expect, test } from 'vitest';

const root = new URL('../..', import.meta.url).pathname;

const pages = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(root, 'docs')).map((name) => join('docs', name)),
].filter((name) => name.endsWith('.md'));

const read = (page: string): string => readFileSync(join(root, page), 'utf8');

/** What a page says outside its code. */
const prose = (page: string): string =>
  read(page)
    .replace(/^```[\s\S]*?^```$/gm, '')
    .replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, ' '));

/** The names by which the headings of a page are linked to. */
function anchorsOf(page: string): readonly string[] {
  const headings = read(page)
    .replace(/^```[\s\S]*?^```$/gm, '')
    .matchAll(/^#+ (.+)$/gm);
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test.each(pages)('every link of %s leads to a file or heading that is there', (page) => {
  const links = [...prose(page).matchAll(/\[[^\]]*\]\(([^)\s]+)\)/g)].map(([, to = '']) => to);
  const broken = links.filter((to) => {
    if (/^https:\/\//.test(to)) return false;
    const [path = '', anchor] = to.split('#');
    const target = path === '' ? page : relative(root, join(root, dirname(page), path));
    if (!existsSync(join(root, target))) return true;
    return anchor !== undefined && !anchorsOf(target).includes(anchor);
  });
  expect(broken).toEqual([]);
});

test('every page of docs is reached from the README', () => {
  const linked = [...prose('README.md').matchAll(/\((docs\/[^)#]+)\)/g)].map(([, to]) => to);
  expect(pages.filter((page) => page.startsWith('docs/') && !linked.includes(page))).toEqual([]);
});
