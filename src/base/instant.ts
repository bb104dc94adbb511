/** Instants as people write them: ISO 8601 with an offset, so that they mean the same everywhere. */

import type { Millis } from "./clock.ts";

const INSTANT = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})$/i;

/** `null` for a text that is no instant or says no offset. */
export function findInstant(text: string): Millis | null {
  const at = INSTANT.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isFinite(at) ? at : null;
}
