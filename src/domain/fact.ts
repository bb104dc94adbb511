/** A fact: a piece of project knowledge that outlives sessions. */

import type { Millis } from "../base/clock.ts";
import type { FactId } from "./ids.ts";

export type FactKind = "decision" | "pattern" | "constraint" | "finding";

export interface Fact {
  readonly id: FactId;
  readonly kind: FactKind;
  readonly text: string;
  /** Where it comes from: a person, a task, a file. */
  readonly source: string;
  /** 0–1. */
  readonly trust: number;
  /** The fact this one replaces. */
  readonly supersedesId: FactId | null;
  /** Facts it was built on; when one of them falls, so may this. */
  readonly dependsOn: readonly FactId[];
  readonly createdAt: Millis;
}
