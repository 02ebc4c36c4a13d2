import { mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { type ForsundCommand, parseForsundArgs } from '../config/forsund-command.ts';
import type { Config } from '../config/schema.ts';
import { SettingError } from '../config/setting-error.ts';
import type { Log } from '../core/log.ts';
import type { Clock } from '../core/time.ts';
import { isDemon, startDemon, tellStarter } from '../runtime/demon.ts';
import { exitOnBugs } from '../runtime/fatal.ts';
import { openLog, type ProcessLog } from '../runtime/logger.ts';
import { stayAlive } from '../runtime/stay-alive.ts';
import { stopSignal } from '../runtime/stop-signal.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { forsunVersion } from '../runtime/version.ts';
import { failureText, oneLine } from './failure-text.ts';
import { askHealth } from './health.ts';

/** A running server. */
export interface App {
  /** Where it listens, as host:port. */
  readonly address: string;
  /** Where the HTTP bridge does, if there is one. */
  readonly httpAddress: string | undefined;
  /** Reads files that it watches, such as that of tokens, if they have changed. */
  reread(): Promise<void>;
  close(): Promise<void>;
}

/** What the command line starts; src/forsund.ts hands it in, because only the app knows every room. */
export interface ForsundParts {
  startApp(config: Config, deps: { readonly clock: Clock; readonly log: Log }): Promise<App>;
  /** Reads the whole store and prints what it finds; false when something is damaged. */
  checkStore(
    config: Config,
    options: { readonly repair: boolean; readonly print: (line: string) => void },
  ): Promise<boolean>;
  /** Adds a token to the token file, and resolves to it. */
  makeToken(config: Config, words: readonly string[]): Promise<string>;
}

type Serve = Extract<ForsundCommand, { kind: 'serve' }>;

/** Beyond the grace of the runs, what closing may take before we end anyway. */
const closingMs = 15_000;

/** The forsund command, from arguments to exit code; resolves only when the process may just end. */
export async function runForsund(parts: ForsundParts): Promise<void> {
  process.umask(0o077);
  const words = process.argv.slice(2);
  if (words[0] === 'import') {
    const { main } = await import('./forsun.ts'); // which a server does without
    return main(words, process.env);
  }
  try {
    const command = parseForsundArgs(words, process.env, (path) => readFileSync(path, 'utf8'));
    switch (command.kind) {
      case 'help':
        print(command.text);
        return;
      case 'version':
        print(forsunVersion());
        return;
      case 'check': {
        for (const warning of command.warnings) complain(warning);
        process.exitCode = (await parts.checkStore(command.config, { ...command, print })) ? 0 : 1;
        return;
      }
      case 'token':
        for (const warning of command.warnings) complain(warning);
        print(await parts.makeToken(command.config, command.words));
        return;
      case 'health':
        for (const warning of command.warnings) complain(warning);
        print(`forsund answers at ${await askHealth(command.config)}`);
        return;
      case 'serve':
        await (command.demon && !isDemon() ? detach(command) : serve(command, parts));
        return;
      default:
        return command satisfies never;
    }
  } catch (error) {
    await fail(error);
  }
}

async function detach({ config }: Serve): Promise<void> {
  const start = await startDemon();
  if (start.kind === 'failed') {
    complain(start.message);
    process.exitCode = start.exitCode;
    return;
  }
  print(`forsund started by pid ${start.pid}`);
  if (config.log.file === '-') print(`its log is ${demonLogFile()}`);
}

async function serve({ config, warnings, demon }: Serve, parts: ForsundParts): Promise<void> {
  // A detached process must not hold the directory it was started in.
  if (demon) process.chdir('/');
  const file = demon && config.log.file === '-' ? demonLogFile() : config.log.file;
  const log = openLog({ ...config.log, file });
  exitOnBugs(log, complain);
  stayAlive();
  process.on('SIGHUP', () => {
    log.reopen();
    log.info('log_reopened');
  });
  for (const warning of warnings) log.warn('setting', { warning });

  const stop = stopSignal();
  const app = await parts
    .startApp(config, { clock: systemClock, log })
    .catch(async (error: unknown) => {
      // On standard output it would only stand twice before the same person.
      if (file !== '-') log.error('start_failed', { reason: failureText(error) });
      await log.close();
      throw error;
    });
  const { driver, directory } = config.store;
  const store = driver === 'mem' ? directory : driver;
  process.on('SIGHUP', () => void app.reread());
  const { address, httpAddress: http } = app;
  log.info('listening', { address, http, store, version: forsunVersion() });
  // Who started us may read the log as soon as the start is told.
  log.flush();
  if (demon) await tellStarter({ kind: 'listening' });
  else if (file !== '-') print(`forsund listens on ${address}, its store is ${store}`);

  log.info('stopping', { signal: await stop });
  await closeApp(app, config, log);
}

async function closeApp(app: App, config: Config, log: ProcessLog): Promise<void> {
  const end = async (exitCode: number): Promise<void> => {
    await log.close();
    process.exit(exitCode);
  };
  systemClock.after(config.scheduler.stopGraceSeconds * 1000 + closingMs, () => {
    log.error('closing_too_slow');
    void end(1);
  });
  try {
    await app.close();
  } catch (error) {
    log.error('closing_failed', { reason: failureText(error) });
    return end(1);
  }
  log.info('stopped');
  return end(0);
}

/** One line for whom it concerns, then the end: half-started parts must not keep the process up. */
async function fail(error: unknown): Promise<void> {
  const exitCode = error instanceof SettingError ? error.exitCode : 1;
  const message = failureText(error);
  complain(message);
  if (isDemon()) await tellStarter({ kind: 'failed', message, exitCode });
  process.exit(exitCode);
}

/** forsun's, where we may write it. */
function demonLogFile(): string {
  if (process.getuid?.() === 0) return '/var/log/forsun.log';
  const directory = join(homedir(), '.forsun');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return join(directory, 'forsund.log');
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const complain = (line: string): void => void process.stderr.write(`forsund: ${oneLine(line)}\n`);
