/** What a Markdown file says that a plan has no place for, or that does not agree with itself. */

import type { PlanNotice } from "../domain/plan-draft.ts";
import type { KeyedOutline, KeyedPart } from "./markdown-keys.ts";
import { isTicked } from "./markdown-outline.ts";
import type { Outline, OutlineBox, OutlineHeading } from "./markdown-outline.ts";

interface Read {
  readonly file: string;
  readonly outline: Outline;
  readonly keyed: KeyedOutline;
}

export function markdownNotices({ file, outline, keyed }: Read): readonly PlanNotice[] {
  const notice = (line: number, message: string): PlanNotice => ({ message, source: { file, line } });
  const notices: PlanNotice[] = [];
  const boxCount = keyed.parts.reduce((count, part) => count + part.boxCount, 0);

  for (const part of flatten(keyed.parts)) {
    if (part.part.kind === "heading") notices.push(...wrongCount(part.part, part.boxCount, notice));
    else notices.push(...boxNotices(part.part, part, notice));
  }
  for (const heading of keyed.leftOut) notices.push(...wrongCount(heading, 0, notice));
  for (const { text, line } of proseOf(outline.root)) {
    const said = /\btotal tasks\W{1,6}(\d+)/i.exec(text)?.[1];
    if (said !== undefined && Number(said) !== boxCount)
      notices.push(notice(line, `the file says it has ${said} tasks; it has ${boxCount} check boxes`));
  }
  const first = keyed.leftOut[0];
  if (first !== undefined) {
    const titles = keyed.leftOut.slice(0, 20).map((heading) => `"${heading.text.trim().slice(0, 60)}"`);
    const more = keyed.leftOut.length > titles.length ? ` and ${keyed.leftOut.length - titles.length} more` : "";
    notices.push(notice(first.line, `headings without check boxes are left out: ${titles.join(", ")}${more}`));
  }
  const quoted = outline.quotedBoxLines[0];
  if (quoted !== undefined)
    notices.push(notice(quoted, `${outline.quotedBoxLines.length} check boxes in quotes are left out`));
  return notices.toSorted((a, b) => (a.source?.line ?? 0) - (b.source?.line ?? 0));
}

type NoticeOf = (line: number, message: string) => PlanNotice;

function wrongCount(heading: OutlineHeading, boxCount: number, notice: NoticeOf): readonly PlanNotice[] {
  const said = /\((\d+) tasks?\)/i.exec(heading.text)?.[1];
  if (said === undefined || Number(said) === boxCount) return [];
  return [
    notice(heading.line, `"${heading.text.trim().slice(0, 80)}" says ${said} tasks; it holds ${boxCount} check boxes`),
  ];
}

function boxNotices(box: OutlineBox, part: KeyedPart, notice: NoticeOf): readonly PlanNotice[] {
  const notices: PlanNotice[] = [];
  if (!" xX".includes(box.mark))
    notices.push(notice(box.line, `"${part.key}" has the box [${box.mark}], which is read as not done`));
  if (part.marks.isIdLoose && part.marks.id !== part.key) {
    notices.push(notice(box.line, `the id ${part.marks.id} stands several times; this one is called "${part.key}"`));
  }
  const open = isTicked(box) ? openBoxCount(part.children) : 0;
  if (open > 0) notices.push(notice(box.line, `"${part.key}" is ticked, and ${open} of the boxes in it are not`));
  return notices;
}

function openBoxCount(parts: readonly KeyedPart[]): number {
  return parts.reduce(
    (count, { part, children }) => count + (part.kind === "box" && !isTicked(part) ? 1 : 0) + openBoxCount(children),
    0,
  );
}

function flatten(parts: readonly KeyedPart[]): readonly KeyedPart[] {
  return parts.flatMap((part) => [part, ...flatten(part.children)]);
}

function proseOf(heading: OutlineHeading): readonly { readonly text: string; readonly line: number }[] {
  return [...heading.prose, ...heading.children.flatMap((part) => (part.kind === "heading" ? proseOf(part) : []))];
}
