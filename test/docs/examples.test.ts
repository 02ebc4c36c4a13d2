import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import ts from 'typescript';
import { beforeEach, describe, expect, test } from 'vitest';

import { aDirectory } from '../support/database.ts';
import { aStore, ForsundProcess } from '../support/forsund-process.ts';

const run = promisify(execFile);
let forsund: ForsundProcess;

beforeEach(async () => {
  forsund = await ForsundProcess.start({ store: await aStore() });
});

/** The first block of code in that language, its server's port ours. */
function codeOf(page: string, language: string): string {
  const [, code = ''] =
    new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'm').exec(readFileSync(page, 'utf8')) ??
    [];
  const options = `{ port: ${forsund.port} }`;
  return code
    .replaceAll('6458', String(forsund.port))
    .replace('ForsunClient()', `ForsunClient(${options})`);
}

describe('Python, on a client made by the thrift compiler', () => {
  const python = async (code: string): Promise<string> => {
    const directory = await aDirectory();
    await run('thrift', ['--gen', 'py', '-out', directory, 'forsun.thrift']);
    const script = join(directory, 'script.py');
    writeFileSync(script, code);
    const { stdout } = await run('/usr/bin/python3', [script, String(forsund.port)]);
    return stdout;
  };

  test('examples/python runs', async () => {
    const output = await python(readFileSync('examples/python/close_order.py', 'utf8'));
    expect(output.split('\n')).toEqual([
      // Judged in one second, it may be stored in the next.
      expect.stringMatching(/^order-17 fires in (1800|1799) s$/),
      "pending: ['order-17']",
      'cancelled: True',
      'cancelled again: False',
      '',
    ]);
  });

  test('the lines of docs/thrift.md run', async () => {
    await python(codeOf('docs/thrift.md', 'python'));
    const plan = await forsund.client().get('report');
    expect(plan).toMatchObject({ kind: 'calendar', second: 0, minute: 32, hour: 16 });
  });
});

describe('Node, on the client of this package', () => {
  const node = async (code: string): Promise<void> => {
    const module = ts.ModuleKind.ESNext;
    const { outputText } = ts.transpileModule(code, { compilerOptions: { module } });
    await run(process.execPath, ['--input-type=module', '--eval', outputText]);
  };

  test('examples/node runs', async () => {
    const args = ['examples/node/close-order.mjs', String(forsund.port)];
    const { stdout } = await run(process.execPath, args);
    expect(stdout.split('\n')).toEqual([
      'order-17 fires in 1800 s',
      "pending: [ 'order-17' ]",
      'cancelled: true',
      'cancelled again: false',
      '',
    ]);
  });

  test('the lines of the README run', async () => {
    await node(codeOf('README.md', 'ts'));
    const plan = await forsund.client().get('order-17');
    expect(plan).toMatchObject({ kind: 'interval', minute: 30, action: 'http' });
  });

  test('the lines of docs/node-client.md run', async () => {
    await node(codeOf('docs/node-client.md', 'ts'));
    await expect(forsund.client().get('order-17')).rejects.toMatchObject({ code: 1003 });
  });
});
