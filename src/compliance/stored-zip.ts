// A ZIP archive of one small file, stored as it is (APPNOTE.TXT 4.3): enough for a scanner to look into.

import { crc32 } from 'node:zlib'

/** 1 January 2024, 00:00. */
const dosTime = 0
const dosDate = ((2024 - 1980) << 9) | (1 << 5) | 1

/** `name`: ASCII. */
export function storedZip(name: string, file: Buffer): Buffer {
  const local = Buffer.concat([header(0x04034b50, []), fields(name, file), Buffer.from(name), file])
  const directory = Buffer.concat([
    header(0x02014b50, [20]), // made by version 2.0
    fields(name, file),
    Buffer.alloc(14), // no comment, disk 0, no attributes; the local header is at offset 0
    Buffer.from(name),
  ])
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(1, 8)
  end.writeUInt16LE(1, 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(local.length, 16)
  return Buffer.concat([local, directory, end])
}

function header(signature: number, more: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 + 2 * more.length)
  bytes.writeUInt32LE(signature, 0)
  for (const [index, value] of more.entries()) bytes.writeUInt16LE(value, 4 + 2 * index)
  return bytes
}

/** What both headers have: version, flags, method 0, time, CRC, sizes, lengths of name and extra field. */
function fields(name: string, file: Buffer): Buffer {
  const bytes = Buffer.alloc(26)
  bytes.writeUInt16LE(10, 0)
  bytes.writeUInt16LE(dosTime, 6)
  bytes.writeUInt16LE(dosDate, 8)
  bytes.writeUInt32LE(crc32(file), 10)
  bytes.writeUInt32LE(file.length, 14)
  bytes.writeUInt32LE(file.length, 18)
  bytes.writeUInt16LE(name.length, 22)
  return bytes
}
