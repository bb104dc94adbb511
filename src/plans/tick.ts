/** Ticks tasks off in the file they came from and leaves every other byte of it as it is. */

import { setBacklogStatus } from "./backlog-status.ts";
import type { KeyedPart } from "./markdown-keys.ts";
import { keyedOutline } from "./markdown-keys.ts";
import type { OutlineBox } from "./markdown-outline.ts";
import { isTicked, outlineOf } from "./markdown-outline.ts";
import { isBacklogText } from "./plan-format.ts";
import { withoutByteOrderMark } from "./plan-source.ts";
import { collectProblems } from "./problems.ts";

export interface TickUpdate {
  readonly key: string;
  readonly done: boolean;
  /** Where the task stood when the plan was read. Only tells apart tasks whose keys are equal; the key decides. */
  readonly line?: number | null;
  /** For Backlog.md, where a task that is not done may be under way. */
  readonly isInProgress?: boolean;
}

export interface Ticked {
  readonly text: string;
  /** How many boxes were changed. */
  readonly changed: number;
  /** Keys that the file has no box for: it was edited since, or the task is a heading. */
  readonly missing: readonly string[];
}

/** For a Markdown check list, or a task file of Backlog.md, whose status is set instead. */
export function tickBoxes(text: string, updates: readonly TickUpdate[]): Ticked {
  if (isBacklogText(withoutByteOrderMark(text))) return setBacklogStatus(text, updates);
  const bare = withoutByteOrderMark(text);
  const shift = text.length - bare.length;
  const boxes = boxesByKey(bare);
  const marks = new Map<number, string>();
  const missing: string[] = [];
  for (const { key, line, done } of updates) {
    const found = boxes.get(key) ?? [];
    const box = found.find((one) => one.line === line) ?? found[0];
    if (box === undefined) missing.push(key);
    else if (isTicked(box) === done) marks.delete(box.markOffset);
    else marks.set(box.markOffset, done ? "x" : " ");
  }
  return { text: withMarks(text, marks, shift), changed: marks.size, missing };
}

function boxesByKey(text: string): ReadonlyMap<string, readonly OutlineBox[]> {
  const boxes = new Map<string, OutlineBox[]>();
  const add = ({ part, key, children }: KeyedPart): void => {
    if (part.kind === "box") boxes.set(key, [...(boxes.get(key) ?? []), part]);
    for (const child of children) add(child);
  };
  // What is wrong with the file does not keep a box from being ticked.
  for (const part of keyedOutline(outlineOf(text).root, { file: "", problems: collectProblems() }).parts) add(part);
  return boxes;
}

function withMarks(text: string, marks: ReadonlyMap<number, string>, shift: number): string {
  const pieces: string[] = [];
  let done = 0;
  for (const [offset, mark] of [...marks].toSorted(([a], [b]) => a - b)) {
    pieces.push(text.slice(done, offset + shift), mark);
    done = offset + shift + 1;
  }
  pieces.push(text.slice(done));
  return pieces.join("");
}
