/** A step as JSON. */

import * as v from "valibot";

import type { Step } from "../../domain/step.ts";
import { STEP_STATUSES } from "../../domain/step.ts";
import { errorSchema, errorToJson } from "./error.ts";
import { toIso, toIsoOrNull } from "./times.ts";

export const stepSchema = v.object({
  position: v.number(),
  name: v.string(),
  kind: v.picklist(["run", "sleep", "signal", "approval", "children"]),
  /** What a step that waits waits for: the question, the signal, the instant. */
  waitsFor: v.nullable(v.string()),
  status: v.picklist(STEP_STATUSES),
  effect: v.picklist(["repeatable", "once"]),
  attempt: v.number(),
  startedAt: v.string(),
  endedAt: v.nullable(v.string()),
  result: v.unknown(),
  error: v.nullable(errorSchema),
});

export type StepJson = v.InferInput<typeof stepSchema>;

export function stepToJson(step: Step): StepJson {
  return {
    position: step.position,
    name: step.name,
    kind: step.kind.type,
    waitsFor: waitsFor(step),
    status: step.status,
    effect: step.effect,
    attempt: step.attempt,
    startedAt: toIso(step.startedAt),
    endedAt: toIsoOrNull(step.endedAt),
    result: step.result,
    error: errorToJson(step.error),
  };
}

function waitsFor({ kind }: Step): string | null {
  switch (kind.type) {
    case "run":
      return null;
    case "sleep":
      return toIso(kind.wakeAt);
    case "signal":
      return kind.signal;
    case "approval":
      return kind.question;
    case "children":
      return `${kind.taskIds.length} tasks`;
  }
}
