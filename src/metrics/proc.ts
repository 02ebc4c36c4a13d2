import { readdirSync, readFileSync } from 'node:fs';

/** Bytes of address space; as all here from /proc, and 0 where there is none. */
export function virtualMemoryBytes(): number {
  const pages = Number(read('/proc/self/statm').split(' ', 1)[0]);
  return pages * 4096;
}

export function openFiles(): number {
  try {
    return readdirSync('/proc/self/fd').length - 1; // less the one that lists them
  } catch {
    return 0;
  }
}

/** How many files may be open; Infinity where nothing limits them. */
export function maxOpenFiles(): number {
  const [, limit = '0'] = /^Max open files\s+(\S+)/m.exec(read('/proc/self/limits')) ?? [];
  return limit === 'unlimited' ? Infinity : Number(limit);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
