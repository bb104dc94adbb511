/**
 * What a file records of the work itself, not of what is to be done: it is kept in a task's context and shown, but a plan
 * is the same plan whatever stands there.
 */

import type { Json, JsonObject } from "../base/json.ts";
import { isJsonObject } from "../base/json.ts";

/** The key of a context under which notes, summaries, dates of change and the like are kept. */
export const RECORD_KEY = "record";

/** Keys of a context that hold boxes: lists of `{ text, done }`. */
const CRITERIA_KEYS: ReadonlySet<string> = new Set(["acceptanceCriteria", "definitionOfDone"]);

/** A context without what the work itself changes in it. */
export function withoutRecord(context: JsonObject): JsonObject {
  const kept = Object.entries(context).filter(([key]) => key !== RECORD_KEY);
  return Object.fromEntries(
    kept.map(([key, value]) => [key, CRITERIA_KEYS.has(key) ? withoutTicks(value ?? null) : value]),
  );
}

function withoutTicks(criteria: Json): Json {
  if (!Array.isArray(criteria)) return criteria;
  return (criteria as readonly Json[]).map((item) => (isJsonObject(item) ? { text: item.text ?? null } : item));
}
