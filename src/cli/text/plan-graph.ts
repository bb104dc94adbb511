/** The dependencies of a plan as a picture: a tree in text, Mermaid, or Graphviz. Pure. */

import { safeLine } from "../terminal/ansi.ts";

export interface GraphTask {
  readonly key: string;
  readonly title: string;
  readonly needs: readonly string[];
  readonly parent: string | null;
  /** The wave it runs in; `null` for what is done already. */
  readonly level: number | null;
}

export const GRAPH_FORMATS = ["tree", "mermaid", "dot"] as const;
export type GraphFormat = (typeof GRAPH_FORMATS)[number];

export function planGraph(tasks: readonly GraphTask[], format: GraphFormat): string {
  switch (format) {
    case "tree":
      return treeText(tasks);
    case "mermaid":
      return mermaidText(tasks);
    case "dot":
      return dotText(tasks);
  }
}

/** Each task once, below the last of what it waits for; what else it waits for is named behind it. */
function treeText(tasks: readonly GraphTask[]): string {
  const byKey = new Map(tasks.map((task) => [task.key, task]));
  const below = new Map<string | null, GraphTask[]>();
  for (const task of tasks) {
    const place = placeOf(task, byKey);
    below.set(place, [...(below.get(place) ?? []), task]);
  }
  const lines: string[] = [];
  const seen = new Set<string>();
  const draw = (task: GraphTask, indent: string, branch: string, childIndent: string): void => {
    if (seen.has(task.key)) return;
    seen.add(task.key);
    const others = task.needs.filter((need) => need !== placeOf(task, byKey));
    const also = others.length === 0 ? "" : `  (also after ${others.map(safeLine).join(", ")})`;
    lines.push(`${indent}${branch}${labelOf(task)}${also}`);
    const children = below.get(task.key) ?? [];
    for (const [at, child] of children.entries()) {
      const isLast = at === children.length - 1;
      draw(child, childIndent, isLast ? "└─ " : "├─ ", `${childIndent}${isLast ? "   " : "│  "}`);
    }
  };
  for (const root of below.get(null) ?? []) draw(root, "", "", "");
  for (const task of tasks) draw(task, "", "", "");
  return lines.join("\n");
}

/** The need that comes last; without one the group it is part of. */
function placeOf(task: GraphTask, byKey: ReadonlyMap<string, GraphTask>): string | null {
  let place: GraphTask | null = null;
  for (const need of task.needs) {
    const found = byKey.get(need);
    if (found !== undefined && (place === null || (found.level ?? -1) > (place.level ?? -1))) place = found;
  }
  return place?.key ?? task.parent;
}

function labelOf({ key, title, level }: GraphTask): string {
  const name = safeLine(key);
  const safe = safeLine(title);
  return `${name}${safe === name ? "" : `  ${safe}`}${level === null ? "  ✓" : ""}`;
}

function mermaidText(tasks: readonly GraphTask[]): string {
  const ids = nodeIds(tasks);
  const nodes = tasks.map((task) => `  ${ids.get(task.key)}["${labelOf(task).replaceAll('"', "#quot;")}"]`);
  const edges = edgesOf(tasks).map(
    ({ from, to, isPart }) => `  ${ids.get(from)} ${isPart ? "-.->" : "-->"} ${ids.get(to)}`,
  );
  return ["graph TD", ...nodes, ...edges].join("\n");
}

function dotText(tasks: readonly GraphTask[]): string {
  const ids = nodeIds(tasks);
  const nodes = tasks.map((task) => `  ${ids.get(task.key)} [label=${JSON.stringify(labelOf(task))}];`);
  const edges = edgesOf(tasks).map(
    ({ from, to, isPart }) => `  ${ids.get(from)} -> ${ids.get(to)}${isPart ? " [style=dashed]" : ""};`,
  );
  return ["digraph plan {", "  node [shape=box];", ...nodes, ...edges, "}"].join("\n");
}

function nodeIds(tasks: readonly GraphTask[]): ReadonlyMap<string, string> {
  return new Map(tasks.map((task, at) => [task.key, `t${at + 1}`]));
}

/** From what comes before to what comes after; a group comes after its parts. */
function edgesOf(tasks: readonly GraphTask[]) {
  return tasks.flatMap(({ key, needs, parent }) => [
    ...needs.map((need) => ({ from: need, to: key, isPart: false })),
    ...(parent === null ? [] : [{ from: key, to: parent, isPart: true }]),
  ]);
}
