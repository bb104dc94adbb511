/**
 * Gives every box, and every heading that holds boxes, its key: what it says itself, else its number, else a slug of its
 * title. Ticking a box changes none of them. The second of two equal slugs gets `-2`.
 *
 * In a section numbered `## 5. …` the third box that says no id is `5.3`: go-ent's files refer to their tasks that way.
 */

import type { Marks, MarksContext } from "./markdown-marks.ts";
import { marksOf } from "./markdown-marks.ts";
import type { OutlineBox, OutlineHeading } from "./markdown-outline.ts";
import type { KeyRegistry } from "./slug.ts";
import { keyRegistry, slugOf } from "./slug.ts";

type MarkdownPart = OutlineHeading | OutlineBox;

export interface KeyedPart {
  readonly part: MarkdownPart;
  readonly key: string;
  readonly title: string;
  readonly marks: Marks;
  readonly children: readonly KeyedPart[];
  /** How many boxes it is or holds. */
  readonly boxCount: number;
}

export interface KeyedOutline {
  readonly parts: readonly KeyedPart[];
  /** The one heading of level 1 at the top of the text names the plan and is no phase. */
  readonly titleHeading: OutlineHeading | null;
  /** Headings without boxes. */
  readonly leftOut: readonly OutlineHeading[];
}

const HEADING_NUMBER = /^(\d+(?:\.\d+)+|\d+(?=[.)]))[.)]?(?:\s|$)/;
const PHASE = /^phase\s+([\p{L}\p{N}]+)\s*[:.–—-]/iu;

interface Marked {
  readonly part: MarkdownPart;
  readonly marks: Marks;
  readonly children: readonly Marked[];
  readonly boxCount: number;
}

export function keyedOutline(root: OutlineHeading, context: MarksContext): KeyedOutline {
  const titleHeading = titleHeadingOf(root);
  const leftOut: OutlineHeading[] = [];
  const mark = (part: MarkdownPart): Marked | null => {
    const children = part.children.map(mark).filter((child) => child !== null);
    const boxCount = children.reduce((count, child) => count + child.boxCount, part.kind === "box" ? 1 : 0);
    if (boxCount > 0) return { part, marks: marksOf(part, context), children, boxCount };
    if (part.kind === "heading" && part !== titleHeading) leftOut.push(part);
    return null;
  };
  const top = root.children.flatMap((part) => (part === titleHeading ? part.children : [part]));
  const marked = top.map(mark).filter((part) => part !== null);
  leftOut.sort((a, b) => a.line - b.line);
  return { parts: assignKeys(marked), titleHeading, leftOut };
}

function titleHeadingOf(root: OutlineHeading): OutlineHeading | null {
  const first = root.children[0];
  const isOnly = root.children.filter((part) => part.kind === "heading" && part.level === 1).length === 1;
  return first?.kind === "heading" && first.level === 1 && isOnly ? first : null;
}

/** Said ids first, then numbers, then slugs of boxes, then of headings: a made key never takes the place of a said one. */
function assignKeys(parts: readonly Marked[]): readonly KeyedPart[] {
  const registry = keyRegistry();
  const keys = new Map<MarkdownPart, string>();
  const all = flatten(parts);
  for (const { part, marks } of all)
    if (marks.id !== null) keys.set(part, marks.isIdLoose ? registry.take(marks.id) : claim(registry, marks.id));
  for (const { part } of all) if (part.kind === "heading") takeFree(registry, keys, part, headingKey(part));
  for (const { part, children } of all) {
    const number = part.kind === "heading" ? HEADING_NUMBER.exec(part.text.trim())?.[1] : undefined;
    const boxes = children.filter((child) => child.part.kind === "box");
    if (number !== undefined)
      for (const [index, box] of boxes.entries()) takeFree(registry, keys, box.part, `${number}.${index + 1}`);
  }
  for (const kind of ["box", "heading"]) {
    for (const { part, marks } of all)
      if (part.kind === kind && !keys.has(part)) keys.set(part, registry.take(slugOf(marks.title)));
  }
  const keyed = ({ part, marks, children, boxCount }: Marked): KeyedPart => ({
    part,
    key: keys.get(part) ?? "",
    title: marks.title === "" ? (keys.get(part) ?? "") : marks.title,
    marks,
    children: children.map(keyed),
    boxCount,
  });
  return parts.map(keyed);
}

function flatten(parts: readonly Marked[]): readonly Marked[] {
  return parts.flatMap((part) => [part, ...flatten(part.children)]);
}

/** A said id is kept even when another part says it too: that is reported as the mistake it is. */
function claim(registry: KeyRegistry, id: string): string {
  if (!registry.has(id)) registry.take(id);
  return id;
}

function takeFree(
  registry: KeyRegistry,
  keys: Map<MarkdownPart, string>,
  part: MarkdownPart,
  key: string | null,
): void {
  if (key !== null && !keys.has(part) && !registry.has(key)) keys.set(part, registry.take(key));
}

function headingKey(part: OutlineHeading): string | null {
  const text = part.text.trim();
  const phase = PHASE.exec(text)?.[1];
  return HEADING_NUMBER.exec(text)?.[1] ?? (phase === undefined ? null : `phase-${phase.toLowerCase()}`);
}
