/** Reads JSON (RFC 8259) to a tree whose values know their places; `JSON.parse` does not tell where anything stands. */

import type { ListNode, MapEntry, MapNode, PlanNode, ScalarNode } from "./plan-tree.ts";
import { MAX_TREE_DEPTH } from "./plan-tree.ts";
import type { PlanText } from "./plan-source.ts";
import { placesIn } from "./plan-source.ts";
import type { Place, Problems } from "./problems.ts";
import { planError } from "./problems.ts";

// oxlint-disable-next-line no-control-regex -- control characters may not stand in a JSON string
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
const SPACE = /[ \t\r\n]*/y;

/** Where a text that is only a line of a file begins in the file. */
interface JsonOptions {
  readonly firstLine?: number;
}

/** @throws PerdureError `invalid-plan` at the first character that is not JSON. Repeated keys are problems. */
export function parseJsonTree(source: PlanText, problems: Problems, options: JsonOptions = {}): PlanNode {
  const { text } = source;
  const placeInText = placesIn(source);
  const placeOf = (at: number): Place => {
    const place = placeInText(at);
    return { ...place, line: place.line + (options.firstLine ?? 1) - 1 };
  };
  let offset = 0;

  const fail = (message: string, at = offset): never => {
    throw planError(placeOf(at), message, { hint: "The file must be valid JSON." });
  };
  const take = (pattern: RegExp): string | null => {
    pattern.lastIndex = offset;
    const found = pattern.exec(text)?.[0];
    if (found === undefined) return null;
    offset += found.length;
    return found;
  };
  const skip = (wanted: string): boolean => {
    take(SPACE);
    if (text[offset] !== wanted) return false;
    offset++;
    return true;
  };
  const found = (): string =>
    offset >= text.length ? "the file ends here" : `${JSON.stringify(text.slice(offset, offset + 12))} stands here`;

  const value = (depth: number): PlanNode => {
    take(SPACE);
    if (depth > MAX_TREE_DEPTH) return fail(`nested more than ${MAX_TREE_DEPTH} levels deep`);
    const place = placeOf(offset);
    if (text[offset] === "{") return map(place, depth);
    if (text[offset] === "[") return list(place, depth);
    return scalar(place);
  };
  const scalar = (place: Place): ScalarNode => {
    const written = take(STRING) ?? take(WORD) ?? take(NUMBER) ?? fail(`a value is missing: ${found()}`);
    const parsed = JSON.parse(written) as string | number | boolean | null;
    return { kind: "scalar", value: parsed, written: typeof parsed === "string" ? parsed : written, place };
  };
  const list = (place: Place, depth: number): ListNode => {
    const items: PlanNode[] = [];
    offset++;
    if (skip("]")) return { kind: "list", items, place };
    do items.push(value(depth + 1));
    while (skip(","));
    if (!skip("]")) fail(`, or ] is missing: ${found()}`);
    return { kind: "list", items, place };
  };
  const map = (place: Place, depth: number): MapNode => {
    const entries = new Map<string, MapEntry>();
    offset++;
    if (skip("}")) return { kind: "map", entries, place };
    do {
      take(SPACE);
      const keyPlace = placeOf(offset);
      const key = JSON.parse(take(STRING) ?? fail(`a key in quotes is missing: ${found()}`)) as string;
      if (!skip(":")) fail(`: is missing after the key ${JSON.stringify(key)}: ${found()}`);
      if (entries.has(key)) problems.add(keyPlace, `the key ${JSON.stringify(key)} stands twice in one object`);
      entries.set(key, { keyPlace, value: value(depth + 1) });
    } while (skip(","));
    if (!skip("}")) fail(`, or } is missing: ${found()}`);
    return { kind: "map", entries, place };
  };

  const root = value(0);
  take(SPACE);
  if (offset < text.length) fail(`more text after the end of the JSON value: ${found()}`);
  return root;
}
