/** CRC-32, for telling damage from what was written; no protection against intent. */

/** Of the text as UTF-8, eight hexadecimal digits. Loads `node:zlib` when something is first summed. */
export function crc32Hex(text: string): string {
  return process.getBuiltinModule("node:zlib").crc32(text).toString(16).padStart(8, "0");
}
