const polynomial = 0x82f63b78;
const lanes = 8;
const tables = makeTables();

/** CRC-32C (Castagnoli) of the bytes, eight at a step; Node's zlib has only the other CRC-32. */
export function crc32c(bytes: Uint8Array): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables;
  let crc = 0xffffffff;
  let at = 0;
  for (const end = bytes.length - 7; at < end; at += 8) {
    crc ^=
      byte(bytes, at) |
      (byte(bytes, at + 1) << 8) |
      (byte(bytes, at + 2) << 16) |
      (byte(bytes, at + 3) << 24);
    crc =
      entry(t7, crc & 0xff) ^
      entry(t6, (crc >>> 8) & 0xff) ^
      entry(t5, (crc >>> 16) & 0xff) ^
      entry(t4, crc >>> 24) ^
      entry(t3, byte(bytes, at + 4)) ^
      entry(t2, byte(bytes, at + 5)) ^
      entry(t1, byte(bytes, at + 6)) ^
      entry(t0, byte(bytes, at + 7));
  }
  for (; at < bytes.length; at++) crc = entry(t0, (crc ^ byte(bytes, at)) & 0xff) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** As LevelDB stores a CRC, so that the CRC of bytes that hold CRCs stays a good one. */
export const maskCrc = (crc: number): number => (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] as number;
}

function entry(table: Uint32Array, at: number): number {
  return table[at] as number;
}

type Tables = readonly [
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
];

/** Table 0 advances a CRC by one byte; table n by that byte and n zero bytes behind it. */
function makeTables(): Tables {
  const made = Array.from({ length: lanes }, () => new Uint32Array(256));
  const [first] = made as unknown as Tables;
  for (let n = 0; n < 256; n++) {
    let crc = n;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    first[n] = crc;
  }
  for (let lane = 1; lane < lanes; lane++) {
    const [before, table] = [made[lane - 1], made[lane]] as [Uint32Array, Uint32Array];
    for (let n = 0; n < 256; n++) {
      const crc = entry(before, n);
      table[n] = (crc >>> 8) ^ entry(first, crc & 0xff);
    }
  }
  return made as unknown as Tables;
}
