// The forsund command around a server that only listens, for tests of the command itself.
import { once } from 'node:events';
import { createServer } from 'node:net';

import { runForsund } from '../../dist/cli/run-forsund.js';

const { FORSUN_TEST_CLOSING = '' } = process.env;

await runForsund({
  async startApp({ thrift }, { log }) {
    const server = createServer();
    server.listen(thrift.port, thrift.bind);
    await once(server, 'listening');
    const bug = () => Promise.reject(new Error('a bug'));
    if (FORSUN_TEST_CLOSING === 'bug') setTimeout(bug, 50);
    return {
      address: `${thrift.bind}:${server.address().port}`,
      async reread() {},
      async close() {
        server.close();
        log.info('closing the stub');
        if (FORSUN_TEST_CLOSING === 'hangs') await new Promise(() => undefined);
        if (FORSUN_TEST_CLOSING === 'slow') await new Promise((done) => setTimeout(done, 100));
        if (FORSUN_TEST_CLOSING === 'fails') throw new Error('the door is jammed');
      },
    };
  },
  async makeToken({ access }, words) {
    return `a token for ${words.join(' ')} in ${access.tokenFile}`;
  },
  async checkStore({ store }, { repair, print }) {
    print(`checked ${store.directory}, repair: ${repair}`);
    return FORSUN_TEST_CLOSING !== 'damaged';
  },
});
