import type { Log } from '../../core/log.ts';
import type { Clock } from '../../core/time.ts';
import type { Counters } from '../../metrics/counters.ts';
import { Complaints } from '../complaints.ts';
import { type Access, createAccess } from './access.ts';
import type { Role } from './caller.ts';
import { TlsFiles, type TlsPaths } from './tls-files.ts';
import { TokenFile } from './token-file.ts';

export interface AccessSettings {
  readonly trustNetworks: readonly string[];
  /** Empty: nobody needs a token. */
  readonly tokenFile: string;
  /** auto: none with a token file, else admin. */
  readonly anonymousRole: Role | 'none' | 'auto';
  /** Paths; all empty: no door has TLS. */
  readonly tls: { readonly cert: string; readonly key: string; readonly ca: string };
}

/** What doors let people in by. */
export interface OpenAccess {
  readonly access: Access;
  readonly tls: TlsFiles | undefined;
  /** Looks whether files have changed, and reads them then; they are looked at now and then anyway. */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** Reads the files that the settings name; rejects with an Error that names what cannot be used. */
export async function openAccess(
  { trustNetworks, tokenFile, anonymousRole, tls: { cert, key, ca } }: AccessSettings,
  {
    clock,
    counters,
    log,
  }: { readonly clock: Clock; readonly counters: Counters; readonly log: Log },
): Promise<OpenAccess> {
  if ((cert === '') !== (key === '')) throw new Error('--tls-cert and --tls-key go together');
  if (ca !== '' && cert === '') throw new Error('--tls-ca goes with --tls-cert and --tls-key');
  if (anonymousRole === 'none' && tokenFile === '') {
    throw new Error('--anonymous-role none goes with --token-file: nobody else could come in');
  }
  const tokens = tokenFile === '' ? undefined : await TokenFile.open(tokenFile, clock, log);
  const tls = await openTls({ cert, key, ...(ca === '' ? {} : { ca }) }, clock, log).catch(
    async (error: unknown) => {
      await tokens?.close();
      throw error;
    },
  );
  const byDefault = tokens === undefined ? 'admin' : 'none';
  const access = createAccess(
    {
      trustedNetworks: trustNetworks,
      anonymousRole: anonymousRole === 'auto' ? byDefault : anonymousRole,
      ...(tokens === undefined ? {} : { tokens }),
    },
    { clock, counters, complaints: new Complaints(log, clock) },
  );
  const files = [tokens, tls].filter((one) => one !== undefined);
  return {
    access,
    tls,
    check: async () => {
      for (const one of files) await one.check();
    },
    close: async () => {
      for (const one of files) await one.close();
    },
  };
}

const openTls = async (paths: TlsPaths, clock: Clock, log: Log): Promise<TlsFiles | undefined> =>
  paths.cert === '' ? undefined : TlsFiles.open(paths, clock, log);
