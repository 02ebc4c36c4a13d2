import { timingSafeEqual } from 'node:crypto';

import type { Log } from '../../core/log.ts';
import type { Clock } from '../../core/time.ts';
import type { Grant } from './grant.ts';
import { readPrivateFile } from './private-file.ts';
import { hashOf, parseTokens, tokenLength } from './token-line.ts';
import { WatchedFiles } from './watched-files.ts';

interface KnownToken {
  readonly hash: string;
  readonly digest: Buffer;
  readonly grant: Grant;
}

/**
 * The tokens of a file, which is read again when it changes. A changed file that cannot be used leaves
 * those before it in force, and the log says so.
 */
export class TokenFile {
  readonly #path: string;
  readonly #watched: WatchedFiles;
  #tokens: readonly KnownToken[] = [];
  #grants: ReadonlyMap<string, Grant> = new Map();

  private constructor(path: string, clock: Clock, log: Log) {
    this.#path = path;
    this.#watched = new WatchedFiles([path], clock, {
      read: () => this.#read(),
      onRead: () => log.info('token_file_read', { file: path, tokens: this.#tokens.length }),
      onProblem: (reason) => log.error('token_file_unusable', { reason }),
    });
  }

  /** Rejects, naming the file and the line, when it cannot be used. */
  static async open(path: string, clock: Clock, log: Log): Promise<TokenFile> {
    const file = new TokenFile(path, clock, log);
    await file.#watched.start();
    return file;
  }

  /** The hash under which a token stands in the file, if it does; takes the same time for all of a length. */
  find(token: string): string | undefined {
    if (token.length < tokenLength.min || token.length > tokenLength.max) return undefined;
    const digest = hashOf(token);
    let found: string | undefined;
    for (const known of this.#tokens) {
      if (timingSafeEqual(known.digest, digest)) found = known.hash;
    }
    return found;
  }

  /** What the token of that hash is good for by now; undefined once it was taken out. */
  grantOf(hash: string): Grant | undefined {
    return this.#grants.get(hash);
  }

  /** Looks whether the file has changed, and reads it then. */
  async check(): Promise<void> {
    await this.#watched.check();
  }

  async close(): Promise<void> {
    await this.#watched.close();
  }

  async #read(): Promise<void> {
    const text = await readPrivateFile(this.#path);
    try {
      const lines = parseTokens(text);
      this.#tokens = lines.map((line) => ({ ...line, digest: Buffer.from(line.hash, 'hex') }));
      this.#grants = new Map(lines.map(({ hash, grant }) => [hash, grant]));
    } catch (error) {
      throw new Error(`${this.#path}, ${(error as Error).message}`, { cause: error });
    }
  }
}
