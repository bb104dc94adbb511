/** Typed reading of a map's keys. What does not fit becomes a problem at its place, and reading goes on with `null`. */

import { findDurationMs } from "../base/duration.ts";
import { nearest } from "../base/nearest.ts";
import { LIMITS } from "../domain/limits.ts";
import type { ListNode, MapNode, PlanNode } from "./plan-tree.ts";
import { describeNode } from "./plan-tree.ts";
import type { Place, Problems } from "./problems.ts";

export interface TextAt {
  readonly text: string;
  readonly place: Place;
}

/** Each reader returns `null` for a key that is absent, is empty, or was reported. */
export interface Fields {
  readonly place: Place;
  has(key: string): boolean;
  /** Of the key if it is there, else of the map. */
  placeOf(key: string): Place;
  node(key: string): PlanNode | null;
  text(key: string): TextAt | null;
  texts(key: string): readonly TextAt[] | null;
  number(key: string, range: { readonly min: number; readonly max: number; readonly whole: boolean }): number | null;
  durationMs(key: string, range: { readonly min: number }): number | null;
  choice<const T extends string>(key: string, choices: readonly T[]): T | null;
  list(key: string): ListNode | null;
  map(key: string): MapNode | null;
}

interface FieldOptions {
  /** What the map is, for messages: `a task`, `retry`. */
  readonly what: string;
  /** Keys that may stand in it; any other is a problem. `null` lets every key pass. */
  readonly known: readonly string[] | null;
}

const EMPTY = new Map<string, never>();

export function fieldsOf(node: PlanNode, problems: Problems, { what, known }: FieldOptions): Fields {
  const entries = node.kind === "map" ? node.entries : EMPTY;
  if (node.kind !== "map")
    problems.add(node.place, `${what} must be a map of keys and values, and this is ${describeNode(node)}`);
  if (known !== null) for (const [key, entry] of entries) if (!known.includes(key)) addUnknownKey(key, entry.keyPlace);

  const find = (key: string): PlanNode | null => {
    const value = entries.get(key)?.value ?? null;
    return value?.kind === "scalar" && value.value === null ? null : value;
  };
  const misfit = (key: string, value: PlanNode, wanted: string, hint?: string): null => {
    problems.add(value.place, `${key} must be ${wanted}, and this is ${describeNode(value)}`, { hint });
    return null;
  };
  const scalarText = (key: string, value: PlanNode, wanted: string): TextAt | null =>
    value.kind === "scalar" && value.value !== null
      ? { text: value.written, place: value.place }
      : misfit(key, value, wanted);

  return {
    place: node.place,
    has: (key) => find(key) !== null,
    placeOf: (key) => entries.get(key)?.keyPlace ?? node.place,
    node: find,
    text(key) {
      const value = find(key);
      return value === null ? null : scalarText(key, value, "text");
    },
    texts(key) {
      const value = find(key);
      if (value === null) return null;
      const items = value.kind === "list" ? value.items : [value];
      return items.map((item) => scalarText(key, item, "a list of texts")).filter((text) => text !== null);
    },
    number(key, { min, max, whole }) {
      const value = find(key);
      if (value === null) return null;
      const number = value.kind === "scalar" && typeof value.value === "number" ? value.value : Number.NaN;
      if (number >= min && number <= max && (!whole || Number.isInteger(number))) return number;
      const upTo =
        max === Number.MAX_SAFE_INTEGER || max === Number.MAX_VALUE ? ` of at least ${min}` : ` from ${min} to ${max}`;
      return misfit(key, value, `a ${whole ? "whole " : ""}number${upTo}`);
    },
    durationMs(key, { min }) {
      const value = find(key);
      if (value === null) return null;
      const ms = value.kind === "scalar" && typeof value.value === "string" ? findDurationMs(value.value) : null;
      if (ms !== null && ms >= min && ms <= LONGEST_MS) return ms;
      return misfit(key, value, "a duration", "Write a number with a unit, such as 250ms, 30s, 10m, 1h30m or 7d.");
    },
    choice(key, choices) {
      const value = find(key);
      if (value === null) return null;
      const written = value.kind === "scalar" ? value.written : null;
      return choices.find((choice) => choice === written) ?? misfit(key, value, `one of ${choices.join(", ")}`);
    },
    list(key) {
      const value = find(key);
      if (value === null) return null;
      return value.kind === "list" ? value : misfit(key, value, "a list");
    },
    map(key) {
      const value = find(key);
      if (value === null) return null;
      return value.kind === "map" ? value : misfit(key, value, "a map of keys and values");
    },
  };

  function addUnknownKey(key: string, place: Place): void {
    const meant = nearest(key.slice(0, LIMITS.keyChars), known ?? []);
    const shown = JSON.stringify(key.length > 80 ? `${key.slice(0, 77)}…` : key);
    problems.add(place, `unknown key ${shown} in ${what}${meant === null ? "" : `; did you mean "${meant}"?`}`, {
      hint: `Known keys: ${(known ?? []).join(", ")}.`,
    });
  }
}

/** A hundred years: longer is a slip, and sums of it with an instant stay exact. */
const LONGEST_MS = 100 * 366 * 86_400_000;
