import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type TlsOptions } from 'node:tls';

import type { Log } from '../../core/log.ts';
import type { Clock } from '../../core/time.ts';
import { readPrivateFile, unreadable } from './private-file.ts';
import { WatchedFiles } from './watched-files.ts';

export interface TlsPaths {
  /** The server's certificate, and those between it and its CA. */
  readonly cert: string;
  readonly key: string;
  /** Absent: clients need no certificate; else one that this CA has signed. */
  readonly ca?: string;
}

/**
 * What listeners need for TLS, read from files and again when one of them changes. Changed files that
 * cannot be used leave those before them in force, and the log says so.
 */
export class TlsFiles {
  readonly #watched: WatchedFiles;
  readonly #listeners = new Set<(options: TlsOptions) => void>();
  #options: TlsOptions = {};

  private constructor(paths: TlsPaths, clock: Clock, log: Log) {
    const files = [paths.cert, paths.key, ...(paths.ca === undefined ? [] : [paths.ca])];
    this.#watched = new WatchedFiles(files, clock, {
      read: async () => {
        this.#options = await readOptions(paths);
      },
      onRead: () => {
        for (const listener of this.#listeners) listener(this.#options);
        log.info('tls_files_read', { file: paths.cert });
      },
      onProblem: (reason) => log.error('tls_files_unusable', { reason }),
    });
  }

  /** Rejects with an Error that names the file that cannot be used. */
  static async open(paths: TlsPaths, clock: Clock, log: Log): Promise<TlsFiles> {
    const files = new TlsFiles(paths, clock, log);
    await files.#watched.start();
    return files;
  }

  /** As they are now, for a server to begin with. */
  get options(): TlsOptions {
    return this.#options;
  }

  /** Tells what the options are whenever they change; for Server.setSecureContext. */
  onChange(listener: (options: TlsOptions) => void): void {
    this.#listeners.add(listener);
  }

  /** Looks whether a file has changed, and reads all then. */
  async check(): Promise<void> {
    await this.#watched.check();
  }

  async close(): Promise<void> {
    await this.#watched.close();
  }
}

async function readOptions({
  cert: certPath,
  key: keyPath,
  ca: caPath,
}: TlsPaths): Promise<TlsOptions> {
  const cert = await readCertificate(certPath);
  const key = await readPrivateFile(keyPath);
  const ca = caPath === undefined ? {} : { ca: await readCertificate(caPath) };
  judged(keyPath, () => createPrivateKey(key));
  judged(`${certPath} and ${keyPath}`, () => createSecureContext({ cert, key, ...ca }));
  const mustShow = caPath !== undefined;
  const clients = { requestCert: mustShow, rejectUnauthorized: mustShow };
  return { cert, key, ...ca, ...clients, minVersion: 'TLSv1.2' };
}

async function readCertificate(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw unreadable(path, error);
  });
  judged(path, () => new X509Certificate(text));
  return text;
}

function judged(place: string, read: () => unknown): void {
  try {
    read();
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new Error(`${place}: ${reasons[code] ?? message}`, { cause: error });
  }
}

const reasons: Readonly<Partial<Record<string, string>>> = {
  ERR_OSSL_PEM_NO_START_LINE: 'a certificate in PEM was expected',
  ERR_OSSL_UNSUPPORTED: 'a private key in PEM was expected',
  ERR_MISSING_PASSPHRASE: 'the key is encrypted; one without a passphrase was expected',
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: 'the key is not that of the certificate',
};
