/**
 * The headings and check boxes of a Markdown text as a tree, with the prose, comments and fenced blocks that belong to
 * each. Boxes in fences, comments and quotes are not boxes.
 */

import type { MarkdownComment, MarkdownLine } from "./markdown-lines.ts";
import { markdownLines } from "./markdown-lines.ts";

interface OutlinePart {
  readonly line: number;
  /** What stands behind the `#`s or the box, comments blanked out, and the column it begins at. */
  readonly text: string;
  readonly column: number;
  readonly comments: MarkdownComment[];
  readonly prose: ProseLine[];
}

export interface OutlineHeading extends OutlinePart {
  readonly kind: "heading";
  readonly level: number;
  readonly children: (OutlineHeading | OutlineBox)[];
}

export interface OutlineBox extends OutlinePart {
  readonly kind: "box";
  /** Between the brackets: a space, `x`, `X`, or one of `-`, `~`, `/`. */
  readonly mark: string;
  /** Where the mark stands in the text. */
  readonly markOffset: number;
  readonly children: OutlineBox[];
  readonly fences: OutlineFence[];
}

interface OutlineFence {
  readonly language: string;
  readonly line: number;
  readonly body: string;
}

interface ProseLine {
  readonly text: string;
  readonly line: number;
  /** Goes on in the paragraph the box's own line begins. */
  readonly isSameParagraph: boolean;
}

export interface Outline {
  /** Level 0, line 1: holds what stands under no heading. */
  readonly root: OutlineHeading;
  readonly quotedBoxLines: readonly number[];
}

const BOX = /^([ \t]*)((?:[-*+]|\d{1,9}[.)])[ \t]+)\[([ xX~/-])\](?:[ \t]+(.*))?$/s;
const LIST_ITEM = /^[ \t]*(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$)/;
const HEADING = /^ {0,3}(#{1,6})(?=[ \t]|$)/;
/** A line across the page. */
const RULE = /^[ \t]*(?:-[ \t]*){3,}$|^[ \t]*(?:\*[ \t]*){3,}$|^[ \t]*(?:_[ \t]*){3,}$/;
const QUOTED_BOX = /^[ \t]*>[ \t>]*(?:[-*+]|\d{1,9}[.)])[ \t]+\[[ xX]\][ \t]/;
/** A box or list item holds what is indented at least this much further than its bullet. */
const NESTING_INDENT = 2;
/** Deeper items lie side by side; as a plan so deep is refused, it is enough that nothing exhausts the stack before. */
const MAX_ITEM_DEPTH = 200;

/** An open list item; `box` is `null` for one without a box. */
interface OpenItem {
  readonly indent: number;
  readonly box: OutlineBox | null;
}

interface OpenFence {
  readonly owner: OutlineBox | null;
  readonly language: string;
  readonly line: number;
  readonly indent: number;
  readonly body: string[];
}

export function outlineOf(text: string): Outline {
  const root: OutlineHeading = {
    kind: "heading",
    level: 0,
    line: 1,
    text: "",
    column: 1,
    comments: [],
    prose: [],
    children: [],
  };
  const headings: OutlineHeading[] = [root];
  const quotedBoxLines: number[] = [];
  let items: OpenItem[] = [];
  let previous: MarkdownLine | null = null;
  const fences: OpenFence[] = [];

  for (const line of markdownLines(text)) {
    if (line.kind === "fence-open") openFence(line);
    else if (line.kind === "fence-body") fences.at(-1)?.body.push(line.text);
    else if (line.kind === "fence-close") closeFence();
    else if (line.kind === "prose") readProse(line);
    previous = line;
  }
  closeFence();
  return { root, quotedBoxLines };

  function readProse(line: MarkdownLine): void {
    const heading = HEADING.exec(line.visible);
    const box = BOX.exec(line.visible);
    if (heading !== null) addHeading(line, heading[1]?.length ?? 1, headingText(line.visible.slice(heading[0].length)));
    else if (isSetextUnderline(line)) addSetextHeading(line);
    else if (box !== null) addBox(line, box);
    else if (RULE.test(line.visible)) closeItems(indentOf(line.visible));
    else if (LIST_ITEM.test(line.visible)) addListItem(line);
    else if (line.visible.trim() !== "") addText(line);
    else if (line.comments.length > 0) ownerOfIndented(indentOf(line.text), line).comments.push(...line.comments);
    else addBlankLine(line);
    if (QUOTED_BOX.test(line.visible)) quotedBoxLines.push(line.number);
  }

  /** What comes next may go on in the box or under the heading; white space at the ends of prose does not count. */
  function addBlankLine(line: MarkdownLine): void {
    const blank = { text: "", line: line.number, isSameParagraph: false };
    currentHeading().prose.push(blank);
    items.findLast((item) => item.box !== null)?.box?.prose.push(blank);
  }

  function currentHeading(): OutlineHeading {
    return headings.at(-1) ?? root;
  }

  function addHeading(line: MarkdownLine, level: number, title: string): void {
    items = [];
    while (headings.length > 1 && currentHeading().level >= level) headings.pop();
    const column = line.visible.indexOf(title, level) + 1;
    const node: OutlineHeading = {
      kind: "heading",
      level,
      line: line.number,
      text: title,
      column,
      comments: [...line.comments],
      prose: [],
      children: [],
    };
    currentHeading().children.push(node);
    headings.push(node);
  }

  function isSetextUnderline(line: MarkdownLine): boolean {
    if (!/^ {0,3}(?:=+|-{2,})[ \t]*$/.test(line.visible) || items.length > 0 || previous?.kind !== "prose")
      return false;
    return previous.visible.trim() !== "" && !/^(?: {4}|[ \t]*[#>|]|[ \t]*[-=]+[ \t]*$)/.test(previous.visible);
  }

  function addSetextHeading(line: MarkdownLine): void {
    const prose = currentHeading().prose;
    const title = prose.at(-1)?.line === line.number - 1 ? prose.pop() : undefined;
    if (title === undefined || previous === null) return;
    addHeading({ ...previous, comments: [] }, line.visible.trim().startsWith("=") ? 1 : 2, title.text.trim());
  }

  function addBox(line: MarkdownLine, [, space = "", bullet = "", mark = " ", rest = ""]: RegExpExecArray): void {
    const indent = indentOf(space);
    closeItems(indent);
    const parent = items.slice(0, MAX_ITEM_DEPTH).findLast((item) => item.box !== null)?.box ?? null;
    const markOffset = line.offset + space.length + bullet.length + 1;
    const box: OutlineBox = {
      kind: "box",
      line: line.number,
      mark,
      markOffset,
      text: rest,
      column: line.visible.length - rest.length + 1,
      comments: [...line.comments],
      prose: [],
      children: [],
      fences: [],
    };
    (parent ?? currentHeading()).children.push(box);
    items.push({ indent, box });
  }

  function addListItem(line: MarkdownLine): void {
    const indent = indentOf(line.visible);
    const owner = ownerOfIndented(indent, null);
    owner.prose.push({ text: line.text, line: line.number, isSameParagraph: false });
    items.push({ indent, box: null });
  }

  function addText(line: MarkdownLine): void {
    const owner = ownerOfIndented(indentOf(line.visible), line);
    const isSameParagraph =
      owner.kind === "box" && items.at(-1)?.box === owner && owner.line + owner.prose.length + 1 === line.number;
    owner.prose.push({
      text: line.visible.trimEnd(),
      line: line.number,
      isSameParagraph: isSameParagraph && !owner.prose.some((prose) => !prose.isSameParagraph),
    });
    owner.comments.push(...line.comments);
  }

  /** Whose text it is: that of the innermost item it is indented into, or that it follows without a blank line. */
  function ownerOfIndented(indent: number, following: MarkdownLine | null): OutlineBox | OutlineHeading {
    const isLazy = following !== null && previous?.kind === "prose" && previous.text.trim() !== "";
    if (!isLazy) closeItems(indent);
    return items.findLast((item) => item.box !== null)?.box ?? currentHeading();
  }

  function closeItems(indent: number): void {
    while ((items.at(-1)?.indent ?? -NESTING_INDENT) + NESTING_INDENT > indent) items.pop();
  }

  /** A block is a box's when it is indented into it or begins on the very next line; else it could be anyone's example. */
  function openFence(line: MarkdownLine): void {
    const indent = indentOf(line.text);
    const last = items.at(-1);
    const isNextLine = last?.box != null && last.box.line === line.number - 1;
    if (!isNextLine) closeItems(indent);
    const info = line.text
      .trim()
      .replace(/^[`~]+/, "")
      .trim();
    fences.push({
      owner: items.at(-1)?.box ?? null,
      language: (info.split(/[\s{,]/)[0] ?? "").toLowerCase(),
      line: line.number,
      indent,
      body: [],
    });
  }

  function closeFence(): void {
    const fence = fences.pop();
    const body = fence?.body.map((bodyLine) => withoutIndent(bodyLine, fence.indent)).join("\n") ?? "";
    fence?.owner?.fences.push({ language: fence.language, line: fence.line, body });
  }
}

export function isTicked(box: OutlineBox): boolean {
  return box.mark === "x" || box.mark === "X";
}

/** Columns of leading white space; a tab goes to the next multiple of four. */
export function indentOf(text: string): number {
  let column = 0;
  for (const character of text) {
    if (character === " ") column += 1;
    else if (character === "\t") column += 4 - (column % 4);
    else break;
  }
  return column;
}

/** The text without white space up to that column. */
export function withoutIndent(text: string, indent: number): string {
  let index = 0;
  for (let column = 0; index < text.length && column < indent; index++) {
    if (text[index] === " ") column += 1;
    else if (text[index] === "\t") column += 4 - (column % 4);
    else break;
  }
  return text.slice(index);
}

/** Without the `#`s that may close a heading. */
function headingText(rest: string): string {
  const text = rest.trim();
  let end = text.length;
  while (text[end - 1] === "#") end--;
  return end === 0 || text[end - 1] === " " || text[end - 1] === "\t" ? text.slice(0, end).trim() : text;
}
