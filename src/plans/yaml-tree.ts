/** Reads YAML 1.2 to a tree whose values know their places. Loads the YAML library only when a file needs it. */

import type { Alias, Node, Pair, Scalar, YAMLMap, YAMLSeq } from "yaml";
import { messageOf } from "../base/errors.ts";
import type { MapEntry, PlanNode, ScalarNode } from "./plan-tree.ts";
import { MAX_TREE_DEPTH, MAX_TREE_NODES } from "./plan-tree.ts";
import type { PlanText } from "./plan-source.ts";
import { placesIn } from "./plan-source.ts";
import type { Place, Problems } from "./problems.ts";
import { planError } from "./problems.ts";

/** Where a text that is only a part of a file, such as its front matter, begins in the file. */
interface YamlOptions {
  readonly firstLine?: number;
}

/** @throws PerdureError `invalid-plan` for what is not YAML, `limit-reached` for aliases that multiply. An empty file is an empty scalar. */
export async function parseYamlTree(
  source: PlanText,
  problems: Problems,
  options: YamlOptions = {},
): Promise<PlanNode> {
  const yaml = await import("yaml");
  const placeInText = placesIn(source);
  const placeOf = (offset: number): Place => {
    const place = placeInText(offset);
    return { ...place, line: place.line + (options.firstLine ?? 1) - 1 };
  };
  const start = placeOf(0);

  const document = parseOrRefuse();
  for (const issue of [...document.errors, ...document.warnings])
    problems.add(placeOf(issue.pos[0]), `not valid YAML: ${issue.message}`);
  problems.throwIfAny();

  const anchors = new Map<string, Node>();
  let nodeCount = 0;

  return convert(document.contents, start, 0);

  function parseOrRefuse(): ReturnType<typeof yaml.parseDocument> {
    try {
      // Repeated keys are found below: the library compares every key of a map with every other.
      return yaml.parseDocument(source.text, {
        version: "1.2",
        prettyErrors: false,
        uniqueKeys: false,
        logLevel: "error",
      });
    } catch (cause) {
      throw planError(start, `not readable as YAML: ${messageOf(cause)}`);
    }
  }

  function convert(node: unknown, fallback: Place, depth: number): PlanNode {
    if (++nodeCount > MAX_TREE_NODES) {
      throw planError(fallback, `the file's values, aliases written out, are more than ${MAX_TREE_NODES}`, {
        code: "limit-reached",
      });
    }
    const empty: ScalarNode = { kind: "scalar", value: null, written: "", place: fallback };
    if (!yaml.isNode(node)) return empty;
    const place = node.range ? placeOf(node.range[0]) : fallback;
    if (depth > MAX_TREE_DEPTH) throw planError(place, `nested more than ${MAX_TREE_DEPTH} levels deep`);
    if (yaml.isAlias(node)) return convert(targetOf(node, place), place, depth + 1);
    if ("anchor" in node && typeof node.anchor === "string") anchors.set(node.anchor, node);
    if (yaml.isMap(node)) return convertMap(node, place, depth);
    if (yaml.isSeq(node)) return convertList(node, place, depth);
    return yaml.isScalar(node) ? convertScalar(node, place) : empty;
  }

  function targetOf(alias: Alias, place: Place): Node {
    const target = anchors.get(alias.source);
    if (target === undefined) throw planError(place, `the alias *${alias.source} stands for nothing defined before it`);
    return target;
  }

  function convertList(seq: YAMLSeq, place: Place, depth: number): PlanNode {
    return { kind: "list", items: seq.items.map((item) => convert(item, place, depth + 1)), place };
  }

  function convertMap(map: YAMLMap, place: Place, depth: number): PlanNode {
    const entries = new Map<string, MapEntry>();
    const merged: MapEntry[] = [];
    for (const pair of map.items as Pair[]) {
      const key = convert(pair.key, place, depth + 1);
      if (key.kind !== "scalar") {
        problems.add(key.place, `a key must be a word, and this is a ${key.kind}`);
        continue;
      }
      const entry = { keyPlace: key.place, value: convert(pair.value, key.place, depth + 1) };
      if (key.written === "<<" && isMergeValue(pair.value)) merged.push(entry);
      else if (entries.has(key.written)) problems.add(key.place, `the key "${key.written}" stands twice in one map`);
      else entries.set(key.written, entry);
    }
    for (const entry of merged) mergeInto(entries, entry);
    return { kind: "map", entries, place };
  }

  /** With anything but anchors behind it, `<<` is a key like another. */
  function isMergeValue(value: unknown): boolean {
    return yaml.isAlias(value) || (yaml.isSeq(value) && value.items.length > 0 && value.items.every(yaml.isAlias));
  }

  /** `<<: *anchor` adds the keys the map does not have itself. */
  function mergeInto(entries: Map<string, MapEntry>, { keyPlace, value }: MapEntry): void {
    for (const merged of value.kind === "list" ? value.items : [value]) {
      if (merged.kind !== "map") problems.add(keyPlace, "<< takes a map or a list of maps");
      else for (const [key, entry] of merged.entries) if (!entries.has(key)) entries.set(key, entry);
    }
  }

  function convertScalar(scalar: Scalar, place: Place): PlanNode {
    const { value } = scalar;
    if (typeof value === "bigint")
      return { kind: "scalar", value: Number(value), written: scalar.source ?? String(value), place };
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
      return {
        kind: "scalar",
        value,
        written: typeof value === "string" ? value : (scalar.source ?? String(value)),
        place,
      };
    }
    return { kind: "scalar", value: null, written: "", place };
  }
}
