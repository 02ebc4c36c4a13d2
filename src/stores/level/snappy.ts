import { Varints } from './varints.ts';

/**
 * Snappy's block format, as LevelDB compresses its tables: the length, then literals and copies of what
 * came before. Throws RangeError on what is no such thing.
 */
export function unsnappy(bytes: Buffer): Buffer {
  const header = new Varints(bytes);
  const length = header.number();
  // No block of Snappy grows beyond this, so a garbled length allocates nothing.
  if (length > bytes.length * 64 + 64) throw new RangeError(`a length of ${length} is too much`);
  const out = Buffer.alloc(length);
  let at = header.at;
  let end = 0;
  while (at < bytes.length) {
    const tag = bytes.readUInt8(at++);
    const kind = tag & 3;
    if (kind === 0) {
      let size = (tag >> 2) + 1;
      if (size > 60) {
        const sizeBytes = size - 60;
        size = bytes.readUIntLE(at, sizeBytes) + 1;
        at += sizeBytes;
      }
      if (at + size > bytes.length || end + size > length) throw new RangeError('a literal is cut');
      bytes.copy(out, end, at, at + size);
      at += size;
      end += size;
      continue;
    }
    const [size, offset, used] = copyOf(bytes, at, tag);
    at += used;
    if (offset === 0 || offset > end || end + size > length) throw new RangeError('a bad copy');
    // Byte by byte where it overlaps itself: that is how runs are written.
    if (offset >= size) out.copy(out, end, end - offset, end - offset + size);
    else for (let n = 0; n < size; n++) out[end + n] = out[end + n - offset] as number;
    end += size;
  }
  if (end !== length) throw new RangeError(`${end} bytes, ${length} were told`);
  return out;
}

/** Size, distance back, and how many bytes behind the tag told so. */
function copyOf(bytes: Buffer, at: number, tag: number): readonly [number, number, number] {
  switch (tag & 3) {
    case 1:
      return [((tag >> 2) & 7) + 4, ((tag >> 5) << 8) | bytes.readUInt8(at), 1];
    case 2:
      return [(tag >> 2) + 1, bytes.readUInt16LE(at), 2];
    default:
      return [(tag >> 2) + 1, bytes.readUInt32LE(at), 4];
  }
}
