import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, stat } from 'node:fs/promises';

import { quote } from '../core/errors.ts';
import { UsageError } from './command.ts';
import { linesOf } from './lines.ts';
import { beginLine, endLine, readPlanLine } from './plan-lines.ts';

/** Where an export goes. */
export interface ExportSink {
  /** Whole lines. */
  write(lines: string): Promise<void>;
  /** All is written. */
  finish(): Promise<void>;
  /** It was cut short: what was written stays, to go on behind. */
  leave(): Promise<void>;
}

/**
 * The file of an export, for its owner alone. It grows under another name, FILE.part, and has its own once it is
 * whole and on disk.
 */
export class ExportFile implements ExportSink {
  readonly #path: string;
  readonly #handle: FileHandle;
  /** Up to where it is whole lines. */
  #end: number;

  private constructor(path: string, handle: FileHandle, end: number) {
    this.#path = path;
    this.#handle = handle;
    this.#end = end;
  }

  /** With `after`, goes on behind that key where a file was left; refuses when it ends with another. */
  static async open(path: string, after: string | undefined): Promise<ExportFile> {
    const there = await stat(path).catch(() => undefined);
    if (there?.isDirectory() === true) throw new UsageError(`${path} is a directory: name a file`);
    const part = partOf(path);
    const handle = await open(part, 'wx', 0o600).catch((error: unknown) => {
      if (isSystemError(error) && error.code === 'EEXIST') return undefined;
      throw error;
    });
    if (handle === undefined) return ExportFile.#goOn(path, after);
    const file = new ExportFile(path, handle, 0);
    await file.write(beginLine);
    return file;
  }

  static async #goOn(path: string, after: string | undefined): Promise<ExportFile> {
    const part = partOf(path);
    const { end, lastKey } = await leftIn(part);
    if (lastKey === undefined) throw new UsageError(`${part} is no export: take it away`);
    if (after !== lastKey) {
      const goOn = `go on with --after ${quote(lastKey)}, or take it away`;
      throw new UsageError(`${part} is left of an export that was cut short: ${goOn}`);
    }
    const handle = await open(part, 'r+');
    await handle.truncate(end);
    return new ExportFile(path, handle, end);
  }

  async write(lines: string): Promise<void> {
    const bytes = Buffer.from(lines);
    try {
      for (let at = 0; at < bytes.length;) {
        const rest = bytes.length - at;
        at += (await this.#handle.write(bytes, at, rest, this.#end + at)).bytesWritten;
      }
    } catch (error) {
      if (!isSystemError(error)) throw error;
      throw new Error(`cannot write ${partOf(this.#path)}: ${error.message}`, { cause: error });
    }
    this.#end += bytes.length;
  }

  async finish(): Promise<void> {
    await this.write(endLine);
    await this.#handle.sync();
    await this.#handle.close();
    await rename(partOf(this.#path), this.#path);
  }

  async leave(): Promise<void> {
    await this.#handle.truncate(this.#end);
    await this.#handle.close();
  }
}

const partOf = (path: string): string => `${path}.part`;

/** Up to where the file is whole lines of an export, and the key of its last plan. */
async function leftIn(path: string): Promise<{ end: number; lastKey: string | undefined }> {
  let [end, lastKey]: [number, string | undefined] = [0, undefined];
  for await (const line of linesOf(createReadStream(path))) {
    if (!line.isWhole || line.text === undefined) break;
    const read = readPlanLine(line.text);
    if (read.kind === 'end') break;
    if (read.kind === 'plan') lastKey = read.plan.key;
    end = line.end;
  }
  return { end, lastKey };
}

const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'code' in error;
