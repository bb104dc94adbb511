/** Sizes as people write them: `64kb`, `128mb`, `1.5gb`. A kilobyte is 1024 bytes. */

const UNIT_BYTES: Readonly<Record<string, number>> = { b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };
const SIZE = /^(\d+(?:\.\d+)?)\s*(b|k|m|g)(?:i?b)?$/i;

/** Bytes of a size text, or `null` when it is not one. */
export function findSizeBytes(text: string): number | null {
  const [, amount, unit] = SIZE.exec(text.trim()) ?? [];
  if (amount === undefined || unit === undefined) return null;
  return Math.round(Number(amount) * (UNIT_BYTES[unit.toLowerCase()] ?? Number.NaN));
}
