/**
 * What a heading or box says about itself beside its title: `T012`, `[P]`, `(depends on T010)`, `{after=1.6 priority=8}`,
 * `<!-- depends: 1.6, 2.8 -->`, `<!-- id: build -->`, `<!-- priority: 8 -->`, and `✅ 2026-01-17` at its end.
 */

import { nearest } from "../base/nearest.ts";
import type { Reference } from "./finish-plan.ts";
import type { MarkdownComment } from "./markdown-lines.ts";
import { withoutCodeSpans } from "./markdown-lines.ts";
import type { OutlineBox, OutlineHeading } from "./markdown-outline.ts";
import type { Place, Problems } from "./problems.ts";

export interface Marks {
  /** What is left of the text when the marks are taken out. */
  readonly title: string;
  readonly id: string | null;
  /** A number such as `1.` or a placeholder such as `TXXX` may come again; any other id is meant to be unique. */
  readonly isIdLoose: boolean;
  readonly isParallel: boolean;
  /** `null` when it says nothing of what it needs; `none` is an empty list. */
  readonly needs: readonly Reference[] | null;
  readonly priority: number | null;
  /** Of the ✅ at the end, if it has a date. */
  readonly doneAt: number | null;
}

export interface MarksContext {
  readonly file: string;
  readonly problems: Problems;
}

const TASK_ID =
  /^\s*(\*\*|__|\[)?(T\d{2,}[a-z]?|TX{2,}|T#{2,}|\d+(?:\.\d+)+|\d+(?=\.\s|\.$))(?:\*\*|__|\])?[.:)]?(?:\*\*|__)?(?=\s|$)/;
const PARALLEL = /(?<=^|\s)\[P\](?=\s|$)/g;
const DEPENDS_ON = /\(\s*depends\s+on:?\s+([^()]*)\)/gi;
const ATTRIBUTES = /\{((?:\s*[a-z_]+=(?:"[^"]*"|[^\s{}"]+))+)\s*\}/g;
const ATTRIBUTE = /([a-z_]+)=(?:"([^"]*)"|([^\s{}"]+))/g;
const DONE_SIGN = /\s*(?:✅|✔|☑|✓)\uFE0F?(?:\s*(\d{4}-\d{2}-\d{2}))?\s*$/u;
const ID_LIKE = /^(?=.*[\d-])[\w.:/#–-]+$/;
const DIRECTIVE = /^(id|depends(?:[ _]on)?|after|needs|priority)\s*[:=]\s*(.*)$/is;
const ATTRIBUTE_NAMES = ["after", "depends", "needs", "priority", "id"];
const PRIORITY_WORDS: Readonly<Record<string, number>> = { critical: 10, high: 8, medium: 5, low: 3 };

/** In longer lines no marks are looked for; such a title is over its limit anyway. */
const MAX_LINE_CHARS = 4_000;

interface Findings {
  id: string | null;
  isIdLoose: boolean;
  isParallel: boolean;
  needs: Reference[] | null;
  priority: number | null;
}

/** `canHaveId` is off for headings: their numbers are read with the outline. */
export function marksOf(part: OutlineBox | OutlineHeading, context: MarksContext): Marks {
  const findings: Findings = { id: null, isIdLoose: false, isParallel: false, needs: null, priority: null };
  const place = (column: number, line = part.line): Place => ({ file: context.file, line, column });

  let text = part.text.trimEnd();
  if (text.length > MAX_LINE_CHARS) return { ...findings, title: text, doneAt: null };
  if (part.kind === "box") {
    const id = TASK_ID.exec(text);
    if (id !== null) {
      findings.id = id[2] ?? null;
      findings.isIdLoose = /^(?:\d+|T[X#]+)$/.test(findings.id ?? "");
      text = " ".repeat(id[0].length) + text.slice(id[0].length);
    }
    text = readInline(text, part.column, part.line);
    for (const prose of part.prose)
      if (prose.isSameParagraph && prose.text.length <= MAX_LINE_CHARS) readInline(prose.text, 1, prose.line);
  }
  for (const comment of part.comments) readComment(comment);

  const done = DONE_SIGN.exec(text);
  // White space shrinks as it does when Markdown is shown, and with it what the marks leave behind.
  const title = (done === null ? text : text.slice(0, done.index)).replaceAll(/\s+/g, " ").trim();
  const doneAt = done?.[1] === undefined ? Number.NaN : Date.parse(`${done[1]}T00:00:00Z`);
  return { ...findings, title, doneAt: Number.isFinite(doneAt) ? doneAt : null };

  /** Reads the marks in a line and returns it with them blanked out. */
  function readInline(line: string, column: number, number: number): string {
    let blanked = withoutCodeSpans(line);
    let kept = line;
    const take = (start: number, length: number): void => {
      blanked = blanked.slice(0, start) + " ".repeat(length) + blanked.slice(start + length);
      kept = kept.slice(0, start) + " ".repeat(length) + kept.slice(start + length);
    };
    for (const { index, 0: whole } of blanked.matchAll(PARALLEL)) {
      findings.isParallel = true;
      take(index, whole.length);
    }
    for (const { index, 0: whole, 1: list = "" } of blanked.matchAll(DEPENDS_ON)) {
      const keys = list
        .split(/\s*(?:[,;&]|\band\b)\s*/i)
        .map((key) => key.trim())
        .filter((key) => key !== "");
      if (keys.length === 0 || !keys.every((key) => ID_LIKE.test(key))) continue;
      addNeeds(keys, place(column + index, number));
      take(index, whole.length);
    }
    for (const { index, 0: whole, 1: list = "" } of blanked.matchAll(ATTRIBUTES)) {
      if (readAttributes(list, place(column + index, number))) take(index, whole.length);
    }
    return kept;
  }

  /** Braces none of whose names are known are text, not attributes. */
  function readAttributes(list: string, at: Place): boolean {
    const pairs = [...list.matchAll(ATTRIBUTE)].map(([, name = "", quoted, bare = ""]) => ({
      name,
      value: quoted ?? bare,
    }));
    if (!pairs.some(({ name }) => ATTRIBUTE_NAMES.includes(name))) return false;
    for (const { name, value } of pairs) {
      if (ATTRIBUTE_NAMES.includes(name)) applyDirective(name, value, at);
      else {
        const meant = nearest(name, ATTRIBUTE_NAMES);
        context.problems.add(at, `unknown attribute "${name}"${meant === null ? "" : `; did you mean "${meant}"?`}`);
      }
    }
    return true;
  }

  function readComment(comment: MarkdownComment): void {
    for (const piece of comment.text.split(/[;\n]/)) {
      const directive = DIRECTIVE.exec(piece.trim());
      const name = directive?.[1]?.toLowerCase().replace(/^depends.*/, "depends");
      if (name !== undefined) applyDirective(name, directive?.[2] ?? "", place(comment.column, comment.line));
    }
  }

  function applyDirective(name: string, value: string, at: Place): void {
    if (name === "id") {
      findings.id = keysIn(value)[0] ?? null;
      findings.isIdLoose = false;
    } else if (name === "priority") findings.priority = priorityOf(value, at, context.problems);
    else addNeeds(value.trim().toLowerCase() === "none" ? [] : keysIn(value), at);
  }

  function addNeeds(keys: readonly string[], at: Place): void {
    findings.needs = [...(findings.needs ?? []), ...keys.flatMap(expandRange).map((key) => ({ key, place: at }))];
  }
}

/** Keys parted by commas or spaces; a key that holds such is in double quotes, as JSON. */
function keysIn(list: string): readonly string[] {
  return [...list.matchAll(/"(?:[^"\\]|\\.)*"|[^\s,]+/g)].map(([written]) => {
    try {
      return written.startsWith('"') ? String(JSON.parse(written)) : written;
    } catch {
      return written; // not JSON: the reference is looked up as written and its absence reported
    }
  });
}

const MAX_RANGE = 200;

/** `T012-T015` and `T012–15` are the four tasks. */
function expandRange(key: string): readonly string[] {
  const [, prefix = "", from = "", to = ""] = /^(T|\d+\.)(\d+)\s*[-–]\s*(?:T|\d+\.)?(\d+)$/.exec(key) ?? [];
  const count = Number(to) - Number(from) + 1;
  if (from === "" || count < 1 || count > MAX_RANGE) return [key];
  return Array.from({ length: count }, (_, i) => prefix + String(Number(from) + i).padStart(from.length, "0"));
}

function priorityOf(written: string, at: Place, problems: Problems): number | null {
  const priority = PRIORITY_WORDS[written.toLowerCase()] ?? Number(written);
  if (Number.isInteger(priority) && priority >= 1 && priority <= 10) return priority;
  problems.add(at, `priority must be a whole number from 1 to 10, and this is ${JSON.stringify(written.slice(0, 80))}`);
  return null;
}
