import type { Log } from '../../core/log.ts';
import type { Cancel, Clock } from '../../core/time.ts';
import { redisClient, type RedisClient } from './client.ts';
import { ConnectionWatch } from './connection-watch.ts';
import { readCredentials } from './credentials.ts';
import { keepCredentialsFresh } from './fresh-credentials.ts';
import { addressOf, Fitness } from './fitness.ts';
import { RedisRefused } from './refusal.ts';
import type { RedisSettings } from './settings.ts';
import { loading, unreachable } from './unreachable.ts';

/** A Redis that is connected and found fit for a store. */
export interface RedisConnection {
  readonly client: RedisClient;
  readonly isCluster: boolean;
  readonly prefix: string;
  readonly serverId: number;
  /** Hash slots among which plans are divided. */
  readonly partitions: number;
  /** Tells if the store that was opened is not there any more, and begins it anew. */
  lookAgain(): Promise<void>;
  /** Commands under way fail; wait for them before. */
  close(): Promise<void>;
}

export interface ConnectionDeps {
  readonly log: Log;
  readonly clock: Clock;
  readonly random?: () => number;
}

/** Whoever starts us tries again; told late, nobody knows what is wrong. */
const openMs = 4_500;
const closeMs = 1_000;
const loadingMs = 400;

/**
 * Connects, looks whether this Redis is fit, and lays down or checks what of the store never changes. Rejects
 * with RedisRefused within five seconds. From then on a lost connection is made anew, however long it takes.
 */
export async function openRedisConnection(
  settings: RedisSettings,
  { log, clock, random = Math.random }: ConnectionDeps,
): Promise<RedisConnection> {
  let isOpen = false;
  let partitions = 0;
  const retry = (attempt: number): number | null => (isOpen ? pauseMs(attempt, random) : null);
  const client = redisClient(settings, await readCredentials(settings), retry, clock);
  const address = (): string => addressOf(client, settings);
  const fitness = new Fitness(client, settings, log);
  const lookAgain = (): Promise<void> => fitness.lookAgain();
  const onConnected = (): void => void lookAgain();
  const watch = new ConnectionWatch(client, { log, clock, address, onConnected });
  const close = async (): Promise<void> => {
    isOpen = false;
    watch.stop();
    await disconnect(client, clock);
  };
  try {
    const opening = connect(client).then(() => fitness.find());
    partitions = await within(openMs, clock, opening);
    isOpen = true;
    watch.tell();
    keepCredentialsFresh(client, settings);
    // ioredis gives up for good when a sentinel tells of a failover while another is asked for the server.
    client.on('end', () => {
      clock.after(pauseMs(1, random), () => {
        if (isOpen && client.status === 'end') client.connect().catch(() => undefined);
      });
    });
    const { isCluster } = client;
    const { prefix, serverId } = settings;
    return { client, isCluster, prefix, serverId, partitions, lookAgain, close };
  } catch (error) {
    const isLoading = await isLoadingNow(client, clock);
    await close();
    throw isLoading ? loading(settings) : refusalOf(settings, error, watch.failure);
  }
}

/** 50 ms at first, twice that each time, up to a second; half of it by chance, so that not all nodes come at once. */
const pauseMs = (attempt: number, random: () => number): number =>
  Math.min(50 * 2 ** (attempt - 1), 1_000) * (0.5 + random() / 2);

/** Resolves once commands may be sent. */
function connect(client: RedisClient): Promise<void> {
  return new Promise((resolve, reject) => {
    // All that is heard of a cluster that does not serve all slots.
    client.once('end', () => reject(new Error('Connection is closed.')));
    client.connect().then(resolve, reject);
  });
}

/** One that has just started and reads what it had on disk accepts connections, and answers hardly anything else. */
async function isLoadingNow(client: RedisClient, clock: Clock): Promise<boolean> {
  if (client.isCluster || client.status !== 'connect') return false;
  const info = client.info('persistence').catch(() => '');
  return /^loading:1/m.test(await within(loadingMs, clock, info).catch(() => ''));
}

async function within<T>(ms: number, clock: Clock, work: Promise<T>): Promise<T> {
  let cancel: Cancel | undefined;
  const deadline = new Promise<never>((_, reject) => {
    cancel = clock.after(ms, () => reject(new Error(`no answer within ${ms / 1000} s`)));
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    cancel?.();
  }
}

/** When the connection is the matter, the reason is what was heard of it, and not that it is closed. */
function refusalOf(settings: RedisSettings, error: unknown, failure: Error | undefined): unknown {
  if (error instanceof RedisRefused || error instanceof TypeError || !(error instanceof Error)) {
    return error;
  }
  return unreachable(settings, error.name === 'ReplyError' ? error : (failure ?? error));
}

async function disconnect(client: RedisClient, clock: Clock): Promise<void> {
  if (client.status === 'end') return;
  if (client.status === 'reconnecting') {
    client.disconnect(); // and nothing will be heard of it
    return;
  }
  await new Promise<void>((resolve) => {
    const cancel = clock.after(closeMs, resolve);
    client.once('end', () => {
      cancel();
      resolve();
    });
    client.disconnect();
  });
}
