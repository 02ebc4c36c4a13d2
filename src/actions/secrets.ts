import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { normalize } from 'node:path';

import { type Reference, referenceText } from '../core/references.ts';

export interface SecretSettings {
  /** Variables that a plan may refer to; one that ends in `*` means all that begin so. */
  readonly variables: readonly string[];
  /** Directories with the files that a plan may refer to, anywhere below; absolute. */
  readonly directories: readonly string[];
}

export const secretDefaults: SecretSettings = { variables: [], directories: [] };

/** Bytes of a file; the longest keys and tokens are far below. */
const MAX_FILE_BYTES = 64 * 1024;

/** What may be otherwise in a moment: the system has no room, or the disk or its server does not answer. */
const passing = new Set([
  ...['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'EIO', 'ESTALE', 'ETIMEDOUT', 'EHOSTDOWN'],
]);

/** A reference that yields nothing. Its message names the reference, and nothing that was found. */
export class SecretMissing extends Error {
  override readonly name = 'SecretMissing';
  /** It may be there the next time. */
  readonly isPassing: boolean;

  constructor(reference: Reference, why: string, isPassing = false) {
    super(`${referenceText(reference)} ${why}`);
    this.isPassing = isPassing;
  }
}

/** What params may refer to instead of holding it. */
export class Secrets {
  readonly #settings: SecretSettings;
  readonly #environment: Readonly<Record<string, string | undefined>>;
  readonly #reading = new Map<string, Promise<string>>();
  #lastRead: Promise<unknown> = Promise.resolve();

  constructor(
    settings: SecretSettings,
    environment: Readonly<Record<string, string | undefined>> = {},
  ) {
    this.#settings = settings;
    this.#environment = environment;
  }

  /** Why the settings do not allow to refer to it; undefined when they do. */
  refusal({ kind, name }: Reference): string | undefined {
    if (kind === 'env') {
      const isAllowed = this.#settings.variables.some((allowed) =>
        allowed.endsWith('*') ? name.startsWith(allowed.slice(0, -1)) : name === allowed,
      );
      return isAllowed ? undefined : 'expected a variable that --secret-env names';
    }
    const isAllowed = this.#settings.directories.some((directory) => isBelow(name, directory));
    return isAllowed ? undefined : 'expected a file below a directory that --secret-dir names';
  }

  /** Its text as it is now; rejects with SecretMissing. */
  async read(reference: Reference): Promise<string> {
    const { kind, name } = reference;
    if (kind === 'file') return this.#readFile(reference);
    const value = Object.hasOwn(this.#environment, name) ? this.#environment[name] : undefined;
    if (value === undefined) throw new SecretMissing(reference, 'is not set');
    return value;
  }

  /** One file after the other: those of a disk that hangs take one thread of the pool, not all. */
  #readFile(reference: Reference): Promise<string> {
    const { name } = reference;
    let reading = this.#reading.get(name);
    if (reading === undefined) {
      reading = this.#lastRead.then(() => this.#contents(reference));
      this.#lastRead = reading.catch(() => undefined);
      const forget = (): void => void this.#reading.delete(name);
      reading.then(forget, forget);
      this.#reading.set(name, reading);
    }
    return reading;
  }

  async #contents(reference: Reference): Promise<string> {
    const bytes = await this.#bytes(reference).catch((error: unknown) => {
      if (!(error instanceof Error) || !('code' in error)) throw error;
      const code = String(error.code);
      throw new SecretMissing(reference, `cannot be read (${code})`, passing.has(code));
    });
    if (bytes.length > MAX_FILE_BYTES) {
      throw new SecretMissing(reference, `is longer than ${MAX_FILE_BYTES} bytes`);
    }
    try {
      const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
      return text.replace(/\r?\n$/, '');
    } catch {
      throw new SecretMissing(reference, 'is no UTF-8');
    }
  }

  /** One more than it may have, at most. */
  async #bytes(reference: Reference): Promise<Buffer> {
    const path = await realpath(reference.name);
    if (!(await this.#isInside(path))) {
      throw new SecretMissing(reference, 'leads out of the directories that --secret-dir names');
    }
    // Opening a pipe would else wait for who writes into it.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const file = await open(path, flags);
    try {
      if (!(await file.stat()).isFile()) throw new SecretMissing(reference, 'is no file');
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_FILE_BYTES + 1));
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }

  /** The directories may be links, as /var/run is; one after the other, as the files. */
  async #isInside(path: string): Promise<boolean> {
    for (const directory of this.#settings.directories) {
      if (isBelow(path, await realpath(directory).catch(() => directory))) return true;
    }
    return false;
  }
}

const isBelow = (path: string, directory: string): boolean =>
  normalize(path) === path &&
  path.startsWith(directory.endsWith('/') ? directory : `${directory}/`);
