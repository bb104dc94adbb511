/** What YAML and JSON files have in common: a tree of values, each of which knows its place. */

import type { Json } from "../base/json.ts";
import type { Place, Problems } from "./problems.ts";

export type PlanNode = ScalarNode | ListNode | MapNode;

export interface ScalarNode {
  readonly kind: "scalar";
  readonly value: string | number | boolean | null;
  /** As written, so that an id of `1.10` keeps its zero. */
  readonly written: string;
  readonly place: Place;
}

export interface ListNode {
  readonly kind: "list";
  readonly items: readonly PlanNode[];
  readonly place: Place;
}

export interface MapNode {
  readonly kind: "map";
  readonly entries: ReadonlyMap<string, MapEntry>;
  readonly place: Place;
}

export interface MapEntry {
  readonly keyPlace: Place;
  readonly value: PlanNode;
}

/** Deeper nesting is refused: it is no plan, and it would exhaust the stack. */
export const MAX_TREE_DEPTH = 100;

/** Most values in one file, aliases expanded: what stops a few lines of YAML from becoming billions of values. */
export const MAX_TREE_NODES = 500_000;

/** The plain value of a node. Numbers JSON cannot hold are problems. */
export function nodeToJson(node: PlanNode, problems: Problems): Json {
  if (node.kind === "list") return node.items.map((item) => nodeToJson(item, problems));
  if (node.kind === "map") {
    return Object.fromEntries([...node.entries].map(([key, entry]) => [key, nodeToJson(entry.value, problems)]));
  }
  if (typeof node.value === "number" && !Number.isFinite(node.value)) {
    problems.add(node.place, `${node.written} is not a number a plan can hold`);
    return null;
  }
  return node.value;
}

/** For messages: `a list`, `a map`, `"7 apples"`. */
export function describeNode(node: PlanNode): string {
  if (node.kind !== "scalar") return `a ${node.kind}`;
  const written = node.value === null ? "nothing" : JSON.stringify(node.value);
  return written.length > 80 ? `${written.slice(0, 77)}…` : written;
}
