/** JSON as a type, and reading and writing it with errors that name what was read. */

import { messageOf, PerdureError } from "./errors.ts";

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

/**
 * The JSON form of a value a user handed over. `undefined` becomes `null`.
 *
 * @throws PerdureError `invalid-input` when the value has no JSON form: a function, a cycle, a bigint.
 */
export function toJsonText(value: unknown, what: string): string {
  if (value === undefined) return "null";
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw new PerdureError("invalid-input", {
      message: `${what} cannot be stored as JSON: ${messageOf(cause)}`,
      hint: "Return or pass plain data: objects, arrays, strings, finite numbers, booleans, null.",
      cause,
    });
  }
  if (text === undefined) {
    throw new PerdureError("invalid-input", {
      message: `${what} cannot be stored as JSON: a ${typeof value} has no JSON form`,
      hint: "Return or pass plain data: objects, arrays, strings, finite numbers, booleans, null.",
    });
  }
  return text;
}

/** Parses text that this program wrote itself. @throws PerdureError `store-damaged` when it is not JSON. */
export function parseStoredJson(text: string, what: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw new PerdureError("store-damaged", {
      message: `${what} holds text that is not JSON: ${messageOf(cause)}`,
      hint: "`perdure repair` mends the store; `perdure doctor` checks it.",
      cause,
    });
  }
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
