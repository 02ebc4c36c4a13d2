import { eventuallyPasses } from './eventually.ts';
import { freePort } from './free-port.ts';
import { RedisServer } from './redis-server.ts';

const slots = 16_384;

/** Real nodes of a Redis Cluster on loopback, each with its share of the slots and no replicas. */
export class RedisCluster {
  readonly nodes: readonly RedisServer[];

  private constructor(nodes: readonly RedisServer[]) {
    this.nodes = nodes;
  }

  /** Resolves once all slots are served; the caller stops it. */
  static async start(size = 3, nodeArgs: readonly string[] = []): Promise<RedisCluster> {
    const started: { readonly node: RedisServer; readonly busPort: number }[] = [];
    for (let n = 0; n < size; n += 1) {
      const busPort = await freePort();
      const cluster = ['--cluster-enabled', 'yes', '--cluster-port', String(busPort)];
      const args = [...cluster, '--cluster-node-timeout', '2000', ...nodeArgs];
      started.push({ node: await RedisServer.start({ args }), busPort });
    }
    const cluster = new RedisCluster(started.map(({ node }) => node));
    const clients = cluster.nodes.map((node) => node.client());
    for (const [index, client] of clients.entries()) {
      const first = Math.ceil((index * slots) / size);
      const last = Math.ceil(((index + 1) * slots) / size) - 1;
      await client.cluster('ADDSLOTSRANGE', first, last);
      for (const { node, busPort } of started.slice(0, index)) {
        await client.call('CLUSTER', 'MEET', '127.0.0.1', node.port, busPort);
      }
    }
    await eventuallyPasses(async () => {
      for (const client of clients) {
        const info = await client.cluster('INFO');
        if (!info.includes('cluster_state:ok') || !info.includes(`cluster_known_nodes:${size}`)) {
          throw new Error(info);
        }
      }
    });
    return cluster;
  }

  get addresses(): readonly { readonly host: string; readonly port: number }[] {
    return this.nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
  }

  /** Where in `nodes` the node stands that has the key. */
  async nodeOf(key: string): Promise<number> {
    const slot = await this.nodes[0]!.client().cluster('KEYSLOT', key);
    return Math.floor((slot * this.nodes.length) / slots);
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }
}
