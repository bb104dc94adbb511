/** Tells what differs between two checkpoints of a session, or between one and the present. */

import * as v from "valibot";

import type { Checkpoint } from "../domain/checkpoint.ts";
import { compareEnvironments } from "../domain/environment.ts";
import type { EnvironmentDifference } from "../domain/environment.ts";
import { LIMITS } from "../domain/limits.ts";
import { getCheckpoint, resolveCheckpoint } from "../store/commands/checkpoints.ts";
import type { ComparePoints } from "../store/commands/compare-points.ts";
import { comparePoints } from "../store/commands/compare-points.ts";
import {
  checkpointReference,
  checkpointSchema,
  checkpointToJson,
  differencesToJson,
  environmentDifferenceSchema,
} from "./json/checkpoint.ts";
import type { OperationContext } from "./operation.ts";
import { defineOperation } from "./operation.ts";
import type { DescribedDifference } from "./point-difference.ts";
import { describeDifference, differenceLines } from "./point-difference.ts";
import type { FileChange } from "../workspace/workspace.ts";
import { workspaceOf } from "./workspace-of.ts";

const changeOf = <const Words extends readonly string[]>(words: Words) => v.picklist(words);

export const checkpointDiff = defineOperation({
  name: "checkpoint-diff",
  summary:
    "Tells what differs between two checkpoints of a session, or between one and the present, in words and as data.",
  input: v.object({
    from: checkpointReference,
    /** Without it: the present. */
    to: v.optional(v.nullable(checkpointReference), null),
    /** Most entries of each kind; `counts` counts all. */
    limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(LIMITS.listLimit)), 100),
  }),
  output: v.object({
    from: checkpointSchema,
    /** `null` is the present. */
    to: v.nullable(checkpointSchema),
    isSame: v.boolean(),
    /** In words, one a line. */
    lines: v.array(v.string()),
    session: v.array(v.object({ column: v.string(), from: v.unknown(), to: v.unknown() })),
    tasks: v.array(
      v.object({
        taskId: v.string(),
        task: v.string(),
        change: changeOf(["added", "removed", "changed"]),
        from: v.nullable(v.string()),
        to: v.nullable(v.string()),
        columns: v.array(v.string()),
      }),
    ),
    steps: v.array(
      v.object({
        taskId: v.string(),
        task: v.string(),
        step: v.string(),
        from: v.nullable(v.string()),
        to: v.nullable(v.string()),
      }),
    ),
    memory: v.array(v.object({ key: v.string(), change: changeOf(["set", "changed", "deleted"]) })),
    messages: v.array(
      v.object({
        position: v.number(),
        role: v.string(),
        text: v.string(),
        change: changeOf(["added", "removed"]),
      }),
    ),
    artifacts: v.array(v.object({ task: v.string(), name: v.string(), change: changeOf(["added", "removed"]) })),
    /** `null` when there is no snapshot of the workspace to compare. */
    files: v.nullable(v.array(v.object({ path: v.string(), change: changeOf(["added", "modified", "deleted"]) }))),
    signals: v.number(),
    environment: v.array(environmentDifferenceSchema),
    counts: v.record(v.string(), v.number()),
  }),
  async run(context, { from, to, limit }) {
    const points = {
      from: await context.store.execute(resolveCheckpoint, { reference: from }),
      to: to === null ? null : await context.store.execute(resolveCheckpoint, { reference: to }),
    };
    const { described, environment, ...ends } = await differenceBetween(context, points);
    const files = await changedFiles(context, ends);
    const fileLines = (files ?? []).map(({ path, change }) => `file ${path} ${change}`);
    const lines = [...differenceLines(described, environment), ...fileLines];
    const first = <T>(entries: readonly T[]): T[] => entries.slice(0, limit).map((entry) => ({ ...entry }));
    return {
      from: checkpointToJson(ends.from),
      to: ends.to === null ? null : checkpointToJson(ends.to),
      isSame: lines.length === 0,
      lines: lines.slice(0, limit),
      session: first(described.session),
      tasks: described.tasks.slice(0, limit).map((task) => ({ ...task, columns: [...task.columns] })),
      steps: first(described.steps),
      memory: first(described.memory),
      messages: first(described.messages),
      artifacts: first(described.artifacts),
      files: files === null ? null : first(files),
      signals: described.signals,
      environment: differencesToJson(environment),
      counts: { ...countsOf(described, lines), files: files?.length ?? 0 },
    };
  },
});

async function changedFiles(
  context: OperationContext,
  { from, to }: Pick<CheckpointDifference, "from" | "to">,
): Promise<readonly FileChange[] | null> {
  if (from.workspace === null || (to !== null && to.workspace === null)) return null;
  return await workspaceOf(context).diff(from.workspace, to?.workspace ?? "now");
}

function countsOf(described: DescribedDifference, lines: readonly string[]): Record<string, number> {
  const { tasks, steps, memory, messages, artifacts } = described;
  const counted = { lines, tasks, steps, memory, messages, artifacts };
  return Object.fromEntries(Object.entries(counted).map(([name, entries]) => [name, entries.length]));
}

export interface CheckpointDifference {
  readonly from: Checkpoint;
  /** `null` is the present. */
  readonly to: Checkpoint | null;
  readonly described: DescribedDifference;
  readonly environment: readonly EnvironmentDifference[];
}

export async function differenceBetween(
  context: Pick<OperationContext, "store" | "environment">,
  points: ComparePoints,
): Promise<CheckpointDifference> {
  const { store } = context;
  const compared = await store.execute(comparePoints, points);
  const from = await store.execute(getCheckpoint, { checkpointId: points.from });
  const to = points.to === null ? null : await store.execute(getCheckpoint, { checkpointId: points.to });
  const present = to?.environment ?? (await context.environment());
  return {
    from,
    to,
    described: describeDifference(compared),
    environment: compareEnvironments(from.environment, present),
  };
}
