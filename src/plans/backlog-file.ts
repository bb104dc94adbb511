/** One task file of Backlog.md: YAML front matter, then sections under `## ` headings between `<!-- SECTION:…` marks. */

import { frontMatterLineCount, markdownLines } from "./markdown-lines.ts";
import type { MapNode } from "./plan-tree.ts";
import type { PlanText } from "./plan-source.ts";
import type { Problems } from "./problems.ts";
import { parseYamlTree } from "./yaml-tree.ts";

export interface BacklogFile {
  readonly path: string;
  readonly frontMatter: MapNode;
  /** By heading, in file order; text before the first heading has the name "". */
  readonly sections: ReadonlyMap<string, BacklogSection>;
}

interface BacklogSection {
  readonly text: string;
  readonly boxes: readonly BacklogBox[];
}

interface BacklogBox {
  readonly text: string;
  readonly done: boolean;
}

/** `null` for a file that is no task, reported as a problem if its front matter is broken. */
export async function readBacklogFile(source: PlanText, problems: Problems): Promise<BacklogFile | null> {
  const lines = source.text.split(/\r\n|\n|\r/);
  const frontMatterLines = frontMatterLineCount(lines.map((text) => ({ text })));
  if (frontMatterLines === 0) return null;
  const yaml = lines.slice(1, frontMatterLines - 1).join("\n");
  const frontMatter = await parseYamlTree({ path: source.path, text: yaml }, problems, { firstLine: 2 });
  if (frontMatter.kind !== "map") return null;
  return { path: source.path, frontMatter, sections: sectionsOf(source.text) };
}

const MARKER = /^\s*<!--\s*(?:SECTION:[A-Z_]+|[A-Z]+):(?:BEGIN|END)\s*-->\s*$/;
const BOX = /^\s*[-*+]\s+\[([ xX])\]\s+(?:#\d+\s+)?(.*?)\s*$/;

function sectionsOf(text: string): ReadonlyMap<string, BacklogSection> {
  const sections = new Map<string, { lines: string[]; boxes: BacklogBox[] }>();
  let current = { lines: [] as string[], boxes: [] as BacklogBox[] };
  sections.set("", current);
  for (const line of markdownLines(text)) {
    const heading = line.kind === "prose" ? /^## +(.*?)\s*$/.exec(line.text)?.[1] : undefined;
    if (heading !== undefined) {
      current = sections.get(heading) ?? { lines: [], boxes: [] };
      sections.set(heading, current);
      continue;
    }
    if (line.kind === "front-matter" || MARKER.test(line.text)) continue;
    current.lines.push(line.text);
    const box = line.kind === "prose" ? BOX.exec(line.visible) : null;
    if (box !== null) current.boxes.push({ text: box[2] ?? "", done: box[1] !== " " });
  }
  return new Map(
    [...sections].map(([heading, { lines, boxes }]) => [heading, { text: lines.join("\n").trim(), boxes }]),
  );
}
