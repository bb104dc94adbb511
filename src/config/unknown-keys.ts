/** Finds the keys of a file that its schema does not know: valibot alone would name the first only, and not the nearest. */

import { isMap, isSeq } from "yaml";
import { nearest } from "../base/nearest.ts";
import { pathText, type Problem, type SettingPath } from "./problem.ts";
import { keyText, resolved, startOf, type YamlSource } from "./yaml-source.ts";

/** As much of a valibot schema as tells which keys it has. */
export interface KeyedSchema {
  readonly type: string;
  /** Of an optional one. */
  readonly wrapped?: KeyedSchema;
  /** Of a mapping. */
  readonly entries?: Readonly<Record<string, KeyedSchema>>;
  /** Of a list. */
  readonly item?: KeyedSchema;
}

/** A problem for every unknown key, and for every list where a mapping belongs, which valibot lets pass. */
export function findUnknownKeys(source: YamlSource, schema: KeyedSchema): readonly Problem[] {
  return [...unknownBelow({ source, node: source.document.contents, path: [] }, schema)];
}

interface Place {
  readonly source: YamlSource;
  readonly node: unknown;
  readonly path: SettingPath;
}

function* unknownBelow({ source, node, path }: Place, schema: KeyedSchema): Generator<Problem> {
  if (schema.wrapped !== undefined) return yield* unknownBelow({ source, node, path }, schema.wrapped);
  const value = resolved(node, source.document);
  if (schema.item !== undefined && isSeq(value)) {
    for (const [i, item] of value.items.entries())
      yield* unknownBelow({ source, node: item, path: [...path, i] }, schema.item);
  }
  if (schema.entries === undefined) return;
  if (isSeq(value)) yield source.problemAt(path, `${pathText(path) || "the file"} must be a mapping, not a list`);
  if (!isMap(value)) return;
  for (const pair of value.items) {
    const key = keyText(pair);
    const entry = Object.hasOwn(schema.entries, key) ? schema.entries[key] : undefined;
    if (entry !== undefined) yield* unknownBelow({ source, node: pair.value, path: [...path, key] }, entry);
    else yield source.problemAtOffset(startOf(pair.key) ?? 0, unknownKey(key, path, Object.keys(schema.entries)));
  }
}

function unknownKey(key: string, path: SettingPath, known: readonly string[]): string {
  const where = path.length === 0 ? "" : ` in ${pathText(path)}`;
  const likely = nearest(key, known);
  return `unknown key ${key}${where}; ${likely === null ? `known here: ${known.join(", ")}` : `did you mean ${likely}?`}`;
}
