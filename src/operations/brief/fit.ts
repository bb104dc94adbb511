/** Fits a brief into a budget of tokens: the core first, then particulars section by section, by how much depends on them. */

import type { TokenCounter } from "../../context/token-counter.ts";
import type { Core, CoreInput } from "./core.ts";
import { coresOf, renderMinimum } from "./core.ts";
import type { Section } from "./sections.ts";

export interface Fitted {
  readonly text: string;
  readonly tokenCount: number;
  /** `null` when not even the core fits. */
  readonly core: Core | null;
  /** How many lines of each section are shown. */
  readonly shown: readonly number[];
}

/** Of the budget, while there are particulars that do not all fit. */
const CORE_SHARE = 0.6;
/** Lines of a section before any other gets more, round by round. */
const ROUNDS: readonly number[] = [3, 10, Number.POSITIVE_INFINITY];

export interface FitInput extends CoreInput {
  /** In the order they are shown in. */
  readonly sections: readonly Section[];
  readonly counter: TokenCounter;
  readonly budget: number;
}

export function fitBrief(input: FitInput): Fitted {
  const { sections, counter, budget } = input;
  const all = sections.map(({ lines }) => lines.length);
  const core = chooseCore(input, all);
  if (core === null) {
    const text = renderMinimum(input.state);
    return { text, tokenCount: counter.count(text), core: null, shown: sections.map(() => 0) };
  }
  const count = (lines: readonly string[]): number => counter.countLines(lines, Number.MAX_SAFE_INTEGER) || 0;
  const shown = sections.map(() => 0);
  let left = budget - count(core.lines);
  // Room for saying which sections there was no room for.
  const remark = count(["", "", ...unshownLine(sections, shown)]);
  const tellsUnshown = left >= remark && counter.countLines(compose(core, sections, all), budget) === false;
  if (tellsUnshown) left -= remark;
  const order = sections.map((_, index) => index).toSorted((a, b) => rankOf(sections, a) - rankOf(sections, b));
  const added: number[] = [];
  for (const most of ROUNDS) {
    for (const index of order) {
      const section = sections[index];
      if (section === undefined) continue;
      for (let at = shown[index] ?? 0; at < section.lines.length && at < most; at += 1) {
        const heading = at === 0 ? ["", headingOf(section, section.lines.length - 1)] : [];
        const cost = count(["", ...heading, section.lines[at] ?? ""]);
        if (cost > left) break;
        left -= cost;
        shown[index] = at + 1;
        added.push(index);
      }
    }
  }
  // A heading changes with what is below it, so what counts is the whole.
  for (;;) {
    const told = compose(core, sections, shown);
    const unshown = tellsUnshown ? unshownLine(sections, shown) : [];
    const lines = unshown.length === 0 ? told : [...told, "", ...unshown];
    const tokenCount = counter.countLines(lines, budget);
    const last = tokenCount === false ? added.pop() : undefined;
    if (last === undefined) return { text: lines.join("\n"), tokenCount: tokenCount || count(lines), core, shown };
    shown[last] = (shown[last] ?? 1) - 1;
  }
}

/** The fullest that fits with all particulars; else within its share; else at all; else none. */
function chooseCore(input: FitInput, all: readonly number[]): Core | null {
  const { counter, budget, sections } = input;
  let within: Core | null = null;
  let fits: Core | null = null;
  for (const core of coresOf(input)) {
    const alone = counter.countLines(core.lines, budget);
    if (alone === false) continue;
    if (counter.countLines(compose(core, sections, all), budget) !== false) return core;
    fits ??= core;
    if (alone <= budget * CORE_SHARE) within ??= core;
    if (within !== null) break;
  }
  return within ?? fits;
}

/** Every line begins with a word or a mark of ours, as `countLines` asks. */
function compose(core: Core, sections: readonly Section[], shown: readonly number[]): readonly string[] {
  const told = sections.flatMap((section, index) => {
    const count = shown[index] ?? 0;
    return count === 0 ? [] : ["", headingOf(section, count), ...section.lines.slice(0, count)];
  });
  return [...core.lines, ...told];
}

function unshownLine(sections: readonly Section[], shown: readonly number[]): readonly string[] {
  const unshown = sections.filter((_, index) => (shown[index] ?? 0) === 0);
  if (unshown.length === 0) return [];
  return [`Not shown: ${unshown.map(({ id, total }) => `${id} ${total}`).join(", ")}`];
}

function headingOf({ title, total }: Section, shown: number): string {
  return shown < total ? `## ${title} (${shown} of ${total})` : `## ${title}`;
}

function rankOf(sections: readonly Section[], index: number): number {
  return sections[index]?.rank ?? 0;
}
