/** A fact: a piece of project knowledge that outlives sessions. */

import type { Millis } from "../base/clock.ts";
import type { FactId } from "./ids.ts";
import type { StateMachine } from "./state-machine.ts";

export const FACT_KINDS = ["decision", "pattern", "constraint", "finding"] as const;
export type FactKind = (typeof FACT_KINDS)[number];

/**
 * `active` and `questioned` facts are in force; something a questioned one was built on has fallen. `superseded` ones were
 * replaced, `retired` ones were forgotten: both stay readable and are recalled only when asked for.
 */
export const FACT_STATUSES = ["active", "questioned", "superseded", "retired"] as const;
export type FactStatus = (typeof FACT_STATUSES)[number];

export interface Fact {
  readonly id: FactId;
  readonly kind: FactKind;
  readonly text: string;
  /** Where it comes from: a person, a task, a file. */
  readonly source: string;
  /** 0–1. */
  readonly trust: number;
  readonly status: FactStatus;
  /** Why it is not, or not surely, in force; `null` for an active one. */
  readonly statusNote: string | null;
  /** The fact this one replaces. */
  readonly supersedesId: FactId | null;
  /** Facts it was built on; when one of them falls, this is questioned. */
  readonly dependsOn: readonly FactId[];
  /** Grows with every change of its text, from 1. */
  readonly version: number;
  readonly createdAt: Millis;
  readonly updatedAt: Millis;
}

export type FactVerb = "supersede" | "retire" | "question" | "confirm";

export const factMachine: StateMachine<FactStatus, FactVerb> = {
  noun: "fact",
  transitions: {
    supersede: { from: ["active", "questioned"], to: "superseded" },
    retire: { from: ["active", "questioned"], to: "retired" },
    /** Something it was built on fell. */
    question: { from: ["active", "questioned"], to: "questioned" },
    confirm: { from: ["questioned"], to: "active" },
  },
};

export function isInForce(status: FactStatus): boolean {
  return status === "active" || status === "questioned";
}
