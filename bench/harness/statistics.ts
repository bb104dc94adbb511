/** What many measurements come to. */

import { strict as assert } from "node:assert";

export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** The value that `percent` of the values do not exceed (nearest rank). */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)];
  assert(value !== undefined, "something was measured");
  return value;
}

export function mean(values: readonly number[]): number {
  assert(values.length > 0, "something was measured");
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
