/** Pages of a list: `{items, nextCursor}`. A cursor is opaque to whoever gets it. */

import * as v from "valibot";

import { PerdureError } from "../../base/errors.ts";
import { LIMITS } from "../../domain/limits.ts";

export const pageInput = {
  limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(LIMITS.listLimit)), 20),
  cursor: v.optional(v.nullable(v.string()), null),
};

export function pageSchema<Item extends v.GenericSchema>(item: Item) {
  return v.object({ items: v.array(item), nextCursor: v.nullable(v.string()) });
}

export function toCursor(position: number | null): string | null {
  return position === null ? null : `c${position.toString(36)}`;
}

/** @throws PerdureError `invalid-input` for a cursor that no list gave out. */
export function fromCursor(cursor: string | null): number | null {
  if (cursor === null) return null;
  const position = /^c[0-9a-z]{1,11}$/.test(cursor) ? Number.parseInt(cursor.slice(1), 36) : Number.NaN;
  if (Number.isSafeInteger(position)) return position;
  throw new PerdureError("invalid-input", {
    message: `${JSON.stringify(cursor)} is not a cursor`,
    hint: "Pass the nextCursor of the page before, or none for the first page.",
  });
}
