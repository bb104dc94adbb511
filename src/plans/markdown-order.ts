/**
 * What the order of boxes in a file means when they do not say it themselves.
 *
 * - `sequential`: each task after the one before it, across headings too.
 * - `phases`: tasks of one top-level heading are free among themselves and wait for the heading before.
 * - `free`: only what is said.
 *
 * Boxes with `[P]` that follow each other under one heading all wait for the same thing, and what follows waits for all of
 * them. A task that says what it needs needs just that, besides what lies outside it: the phase before where phases are
 * barriers, and what the tasks above it say. What comes after it still waits for it.
 */

import type { Reference } from "./finish-plan.ts";
import type { KeyedPart } from "./markdown-keys.ts";
import type { Place } from "./problems.ts";

export const PLAN_ORDERS = ["sequential", "phases", "free"] as const;
export type PlanOrder = (typeof PLAN_ORDERS)[number];

export interface OrderRules {
  readonly order: PlanOrder;
  /** Nothing of a top-level heading starts before everything of the one before it is done. */
  readonly hasBarriers: boolean;
  readonly placeOf: (part: KeyedPart) => Place;
}

export interface OrderedReference extends Reference {
  readonly isImplied: boolean;
}

/** What the next task waits for; while `[P]` boxes follow each other, `base` is what they all wait for. */
interface Position {
  previous: readonly string[];
  parallel: { readonly base: readonly string[]; readonly keys: string[] } | null;
}

/** What a part gets from around it. */
interface Around {
  readonly barrier: readonly string[];
  /** What the parts above it say they need. */
  readonly said: readonly OrderedReference[];
}

/** The needs of every part. */
export function orderedNeeds(
  parts: readonly KeyedPart[],
  rules: OrderRules,
): ReadonlyMap<KeyedPart, readonly OrderedReference[]> {
  const needs = new Map<KeyedPart, readonly OrderedReference[]>();
  let barrier: readonly string[] = [];
  let position: Position = { previous: [], parallel: null };
  for (const phase of phasesOf(parts)) {
    if (rules.hasBarriers) position = { previous: barrier, parallel: null };
    for (const part of phase) visit(part, position, { barrier: rules.hasBarriers ? barrier : [], said: [] });
    barrier = phase.map((part) => part.key);
  }
  return needs;

  function visit(part: KeyedPart, at: Position, around: Around): void {
    if (part.part.kind === "heading") visitHeading(part, at, around);
    else visitBox(part, at, around);
  }

  function visitHeading(part: KeyedPart, at: Position, around: Around): void {
    const said = saidBy(part);
    endParallel(at);
    needs.set(part, said ?? []);
    if (said !== null) at.previous = [...keysOf(said), ...keysOf(around.said), ...around.barrier];
    for (const child of part.children) visit(child, at, { ...around, said: [...around.said, ...(said ?? [])] });
    endParallel(at);
  }

  function visitBox(part: KeyedPart, at: Position, around: Around): void {
    const said = saidBy(part);
    const before = said === null ? placeBefore(part, at) : [];
    if (said !== null && !part.marks.isParallel) endParallel(at);
    const implied = said === null && rules.order === "sequential" ? before : around.barrier;
    const own = [...(said ?? []), ...impliedReferences(part, implied), ...around.said];
    needs.set(part, own);

    const inside: Position = { previous: keysOf(own), parallel: null };
    for (const child of part.children) visit(child, inside, { ...around, said: [...around.said, ...(said ?? [])] });
    if (!part.marks.isParallel) at.previous = [part.key];
    else (at.parallel ??= { base: at.previous, keys: [] }).keys.push(part.key);
  }

  function placeBefore(part: KeyedPart, at: Position): readonly string[] {
    if (part.marks.isParallel) return (at.parallel ??= { base: at.previous, keys: [] }).base;
    endParallel(at);
    return at.previous;
  }

  function impliedReferences(part: KeyedPart, keys: readonly string[]): readonly OrderedReference[] {
    return keys.map((key) => ({ key, place: rules.placeOf(part), isImplied: true }));
  }
}

function saidBy(part: KeyedPart): readonly OrderedReference[] | null {
  return part.marks.needs?.map((need) => ({ ...need, isImplied: false })) ?? null;
}

function keysOf(references: readonly Reference[]): readonly string[] {
  return references.map((reference) => reference.key);
}

/** Every top-level heading is a phase; so are the boxes before, between and behind them that stand under none. */
function phasesOf(parts: readonly KeyedPart[]): readonly (readonly KeyedPart[])[] {
  const phases: KeyedPart[][] = [];
  for (const [index, part] of parts.entries()) {
    const goesOn = part.part.kind === "box" && parts[index - 1]?.part.kind === "box";
    if (goesOn) phases.at(-1)?.push(part);
    else phases.push([part]);
  }
  return phases;
}

function endParallel(at: Position): void {
  if (at.parallel !== null) at.previous = at.parallel.keys;
  at.parallel = null;
}
