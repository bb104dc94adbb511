/** Fits a brief into a budget of tokens: the core first, then particulars section by section, by how much depends on them. */

import type { TokenCounter } from "../../context/token-counter.ts";
import type { Core, CoreInput } from "./core.ts";
import { CORE_LEVELS, renderCore, renderMinimum } from "./core.ts";
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
/** Lines of a section before any other gets more. */
const FIRST_LINES = 3;

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
  const shown = sections.map(() => 0);
  let left = budget - counter.count(compose(core, sections, shown));
  // Room for saying which sections there was no room for.
  const remark = counter.count(`\n\n${unshownLine(sections, shown).join("")}`);
  const tellsUnshown = left >= remark && !counter.fits(compose(core, sections, all), budget);
  if (tellsUnshown) left -= remark;
  const order = sections.map((_, index) => index).toSorted((a, b) => rankOf(sections, a) - rankOf(sections, b));
  const added: number[] = [];
  for (const most of [FIRST_LINES, Number.POSITIVE_INFINITY]) {
    for (const index of order) {
      const section = sections[index];
      if (section === undefined) continue;
      for (let at = shown[index] ?? 0; at < section.lines.length && at < most; at += 1) {
        const line = `\n${section.lines[at] ?? ""}`;
        const cost =
          counter.count(line) + (at === 0 ? counter.count(`\n\n${headingOf(section, section.lines.length - 1)}`) : 0);
        if (cost > left) break;
        left -= cost;
        shown[index] = at + 1;
        added.push(index);
      }
    }
  }
  // Tokens of parts do not add up exactly, so what counts is the whole.
  for (;;) {
    const told = compose(core, sections, shown);
    const unshown = tellsUnshown ? unshownLine(sections, shown) : [];
    const text = unshown.length === 0 ? told : [told, "", ...unshown].join("\n");
    const tokenCount = counter.count(text);
    const last = tokenCount > budget ? added.pop() : undefined;
    if (last === undefined) return { text, tokenCount, core, shown };
    shown[last] = (shown[last] ?? 1) - 1;
  }
}

/** The fullest that fits with all particulars; else within its share; else at all; else none. */
function chooseCore(input: FitInput, all: readonly number[]): Core | null {
  const { counter, budget, sections } = input;
  let within: Core | null = null;
  let fits: Core | null = null;
  for (const level of CORE_LEVELS) {
    const core = renderCore(input, level);
    const alone = counter.count(compose(core, sections, []));
    if (alone > budget) continue;
    if (counter.fits(compose(core, sections, all), budget)) return core;
    fits ??= core;
    if (alone <= budget * CORE_SHARE) within ??= core;
    if (within !== null) break;
  }
  return within ?? fits;
}

function compose(core: Core, sections: readonly Section[], shown: readonly number[]): string {
  const told = sections.flatMap((section, index) => {
    const count = shown[index] ?? 0;
    return count === 0 ? [] : ["", headingOf(section, count), ...section.lines.slice(0, count)];
  });
  return [...core.lines, ...told].join("\n");
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
