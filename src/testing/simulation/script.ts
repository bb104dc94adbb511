/** What a simulated run does: tasks whose code is data, so that it can be made up from a seed and printed when it fails. */

import type { Json } from "../../base/json.ts";
import type { Overlap, Schedule } from "../../domain/schedule.ts";
import type { DependencyFailurePolicy } from "../../domain/task.ts";

/** One thing a task's code does. Names are unique in their task, or repeat only one after another. */
export type Op =
  | {
      readonly op: "step";
      readonly name: string;
      /** How many attempts fail here before it succeeds. */
      readonly failures: number;
      /** How long it takes, by the simulated clock. */
      readonly ms: number;
      readonly effect: "repeatable" | "once";
      readonly hasVerify: boolean;
    }
  /** A step that always fails, which the code takes as an answer and goes on. */
  | { readonly op: "caught"; readonly name: string }
  /** A step that takes too long for its own limit in as many attempts. */
  | { readonly op: "slow"; readonly name: string; readonly failures: number }
  /** Takes too long for the task's limit in as many attempts. */
  | { readonly op: "overtime"; readonly name: string; readonly failures: number }
  | { readonly op: "sleep"; readonly ms: number }
  | { readonly op: "signal"; readonly name: string }
  /** Waits for a signal nobody sends. */
  | { readonly op: "silence"; readonly name: string; readonly ms: number }
  | { readonly op: "approval"; readonly question: string }
  | { readonly op: "parallel"; readonly branches: readonly (readonly Op[])[] }
  /** Children, each waited for by itself or all together. */
  | { readonly op: "children"; readonly together: boolean; readonly children: readonly ScriptedChild[] }
  /** A failure after which a step cleans up before it is passed on. */
  | { readonly op: "cleanedUp"; readonly name: string; readonly failures: number }
  | { readonly op: "progress"; readonly percent: number }
  | { readonly op: "log"; readonly message: string }
  /** The task fails for good. */
  | { readonly op: "giveUp" };

export interface ScriptedChild {
  readonly title: string;
  readonly ops: readonly Op[];
  readonly maxRetries: number;
}

export interface ScriptedTask extends ScriptedChild {
  readonly needs: readonly string[];
  readonly parent: string | null;
  readonly isGroup: boolean;
  readonly priority: number;
  readonly policy: DependencyFailurePolicy;
  readonly schedule: Schedule | null;
  readonly overlap: Overlap;
  /** Of the tasks with the same one, one runs at a time. */
  readonly limitKey: string | null;
}

/** What people do meanwhile, by the simulated clock from the start. */
export type Deed =
  | { readonly deed: "interrupt"; readonly atMs: number; readonly resumeAfterMs: number }
  /** Nothing compares the results of what may be cancelled. */
  | { readonly deed: "cancel"; readonly atMs: number; readonly title: string };

export interface Script {
  readonly tasks: readonly ScriptedTask[];
  readonly deeds: readonly Deed[];
  readonly workers: number;
  readonly concurrency: number;
}

/** The time limit of tasks with an `overtime`, and of `slow` steps. */
export const LIMIT_MS = 900;
export const OVER_LIMIT_MS = 2_500;

/** The code of a task as its input. */
export function inputOf({ ops }: ScriptedChild): Json {
  return { ops } as unknown as Json;
}

export function opsOf(input: Json): readonly Op[] {
  return (input as unknown as { readonly ops: readonly Op[] }).ops;
}

/** Whether a task's code has a time limit to exceed. */
export function isTimed(ops: readonly Op[]): boolean {
  return ops.some((op) => op.op === "overtime");
}

/** The titles of tasks whose end is a matter of when somebody cancelled them. */
export function cancellable(script: Script): ReadonlySet<string> {
  return new Set(script.deeds.flatMap((deed) => (deed.deed === "cancel" ? [deed.title] : [])));
}
