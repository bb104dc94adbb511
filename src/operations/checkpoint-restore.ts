/** Returns a session to a checkpoint. What is replaced is kept as a checkpoint of its own. */

import * as v from "valibot";

import { formatDuration, parseDurationMs } from "../base/duration.ts";
import { PerdureError } from "../base/errors.ts";
import type { Checkpoint } from "../domain/checkpoint.ts";
import type { EnvironmentDifference } from "../domain/environment.ts";
import type { CheckpointId, ExecutionId, SessionId } from "../domain/ids.ts";
import type { Task } from "../domain/task.ts";
import { TASK_STATUSES } from "../domain/task.ts";
import { checkCheckpoint } from "../store/commands/checkpoint-soundness.ts";
import { getCheckpoint, resolveCheckpoint } from "../store/commands/checkpoints.ts";
import { forgetProcess, listAllProcesses, listProcesses, recordProcess } from "../store/commands/processes.ts";
import type { Restored } from "../store/commands/restore.ts";
import { listRunning, restoreCheckpoint } from "../store/commands/restore.ts";
import { getSession } from "../store/commands/session-queries.ts";
import { listAllTasks } from "./all-tasks.ts";
import { compareWithCheckpoint } from "./environment-check.ts";
import {
  checkpointReference,
  checkpointSchema,
  checkpointToJson,
  differencesToJson,
  environmentDifferenceSchema,
} from "./json/checkpoint.ts";
import { sessionSchema, sessionToJson } from "./json/session.ts";
import { keptAlive } from "./kept-alive.ts";
import type { OperationContext } from "./operation.ts";
import { defineOperation } from "./operation.ts";
import type { Restored as RestoredFiles } from "../workspace/workspace.ts";
import type { TickResult } from "./plan-ticker.ts";
import { isMarkdown, untickTasks } from "./plan-ticker.ts";
import { stopWork } from "./stop-work.ts";
import { workspaceOf } from "./workspace-of.ts";

const DEFAULT_WAIT_MS = 10_000;

export const checkpointRestore = defineOperation({
  name: "checkpoint-restore",
  summary: "Returns a session to a checkpoint, after keeping what is replaced as another.",
  input: v.object({
    checkpoint: checkpointReference,
    /** Also into an environment that does not fit. */
    force: v.optional(v.boolean(), false),
    /** The project's files too; what they were is kept with the checkpoint of what is replaced. */
    workspace: v.optional(v.boolean(), false),
    /** How long what runs may take to its next step boundary before it is cut off: milliseconds, or a text such as `10s`. */
    wait: v.optional(v.union([v.pipe(v.number(), v.minValue(0)), v.string()]), DEFAULT_WAIT_MS),
  }),
  output: v.object({
    session: sessionSchema,
    checkpoint: checkpointSchema,
    /** Of what was replaced: restoring it undoes this. */
    undo: checkpointSchema,
    rows: v.object({ added: v.number(), changed: v.number(), removed: v.number() }),
    /** Executions that did not stop in time. */
    cutOff: v.array(v.string()),
    /** Effects outside that took place, or may have, and take place again when work goes on. */
    repeats: v.array(
      v.object({
        taskId: v.string(),
        task: v.string(),
        step: v.string(),
        outcome: v.picklist(["completed", "unknown"]),
      }),
    ),
    differences: v.array(environmentDifferenceSchema),
    /** What became of the files; `null` when they were not asked for. */
    files: v.nullable(v.object({ written: v.number(), deleted: v.number(), leftAlone: v.array(v.string()) })),
    notices: v.array(v.string()),
  }),
  async run(context, input) {
    const checkpointId = await context.store.execute(resolveCheckpoint, { reference: input.checkpoint });
    const waitMs = parseDurationMs(input.wait, "The time to wait");
    const done = await returnTo(context, {
      checkpointId,
      force: input.force,
      waitMs,
      withFiles: input.workspace,
    });
    const { restored, differences } = done;
    return {
      session: sessionToJson(restored.session),
      checkpoint: checkpointToJson(restored.checkpoint),
      undo: checkpointToJson(restored.undo),
      rows: { ...restored.rows },
      cutOff: [...restored.cutOff],
      repeats: restored.repeats.map((effect) => ({ ...effect })),
      differences: differencesToJson(differences),
      files:
        done.files === null
          ? null
          : { written: done.files.written, deleted: done.files.deleted, leftAlone: [...done.files.leftAlone] },
      notices: noticesOf(done, waitMs),
    };
  },
});

export interface ReturnTo {
  readonly checkpointId: CheckpointId;
  readonly force: boolean;
  readonly waitMs: number;
  /** Default `false`. */
  readonly withFiles?: boolean;
}

export interface ReturnedTo {
  readonly restored: Restored;
  readonly differences: readonly EnvironmentDifference[];
  /** What ran was stopped, and the session is paused. */
  readonly wasWorked: boolean;
  readonly files: RestoredFiles | null;
  /** Boxes of its plan that were ticked since and are no more; `null` when there is nothing to untick. */
  readonly boxes: TickResult | null;
}

/** @throws PerdureError `not-found`, `environment-mismatch`, `store-damaged`; then nothing was changed */
export async function returnTo(
  context: OperationContext,
  { checkpointId, force, waitMs, withFiles = false }: ReturnTo,
): Promise<ReturnedTo> {
  const { store } = context;
  const checkpoint = await store.execute(getCheckpoint, { checkpointId });
  const differences = await compareWithCheckpoint(context, { checkpoint, force });
  const { sessionId, workspace: snapshot } = checkpoint;
  if (withFiles && snapshot === null) throw noSnapshot(checkpoint);
  // A damaged one is refused before anything is stopped for it.
  if ((await store.execute(listRunning, { sessionId })).length > 0)
    await store.execute(checkCheckpoint, { checkpointId });
  const wasWorked = await stopWork(context, { sessionId, waitMs });
  const environment = await context.environment({ maxAgeMs: waitMs });
  const ticked = await tickedTasks(context, sessionId);
  const files = withFiles ? await workspaceOf(context).restore(snapshot ?? "") : null;
  const restored = await store
    .execute(restoreCheckpoint, {
      checkpointId,
      environment,
      workspace: files?.before ?? null,
      pausesActive: wasWorked,
    })
    .catch(async (error: unknown) => {
      // Files and session go back together or not at all.
      if (files !== null) await workspaceOf(context).restore(files.before);
      throw error;
    });
  await endProcessesOf(context, restored.removed);
  const boxes =
    restored.reopenedTasks === 0 || ticked.length === 0 ? null : await untickReopened(context, { sessionId, ticked });
  return { restored, differences, wasWorked, files, boxes };
}

/** Completed tasks of a plan that may have boxes for them. */
async function tickedTasks(context: OperationContext, sessionId: SessionId): Promise<readonly Task[]> {
  const { planFile } = await context.store.execute(getSession, { sessionId });
  if (planFile === null || !isMarkdown(planFile)) return [];
  return await listAllTasks(context, { sessionId, statuses: ["completed"] });
}

/** A box that stays ticked would say of its task that it is done, and the plan submitted again would take it for that. */
async function untickReopened(
  context: OperationContext,
  { sessionId, ticked }: { readonly sessionId: SessionId; readonly ticked: readonly Task[] },
): Promise<TickResult> {
  const statuses = TASK_STATUSES.filter((status) => status !== "completed");
  const open = new Set((await listAllTasks(context, { sessionId, statuses })).map(({ id }) => id));
  return await untickTasks(
    context,
    ticked.filter(({ id }) => open.has(id)),
  );
}

function noSnapshot({ id, label }: Checkpoint): PerdureError {
  return new PerdureError("wrong-state", {
    message: `Checkpoint ${label} (${id.slice(0, 8)}) holds no snapshot of the workspace`,
    hint: "Restore without --workspace, and make checkpoints with --workspace that are to hold the files; nothing was changed.",
    details: { checkpointId: id },
  });
}

/** What executions that are no more had left running when their Perdure was killed: no later run would find it. */
async function endProcessesOf(context: OperationContext, removed: readonly ExecutionId[]): Promise<void> {
  const { store, host, clock } = context;
  const gone = new Set(removed);
  const left = (await store.execute(listAllProcesses, null)).filter(({ executionId }) => gone.has(executionId));
  if (left.length === 0) return;
  const { endOrphans } = await import("../executors/command/orphans.ts");
  const processLedger = {
    record: (executionId: ExecutionId, process: Parameters<typeof recordProcess.perform>[1]["process"]) =>
      store.execute(recordProcess, { executionId, process }),
    list: (executionId: ExecutionId) => store.execute(listProcesses, { executionId }),
    forget: (executionId: ExecutionId, pid: number) => store.execute(forgetProcess, { executionId, pid }),
  };
  await keptAlive(async () => {
    for (const executionId of new Set(left.map((process) => process.executionId))) {
      // One that outlives KILL stays on record, and `doctor` names it.
      await endOrphans({ processLedger, host, clock }, { executionId }).catch(() => {});
    }
  });
}

function noticesOf({ restored, differences, wasWorked, files, boxes }: ReturnedTo, waitMs: number): string[] {
  const { cutOff, repeats, session } = restored;
  const notices = differences.map(({ message }) => `since that checkpoint: ${message}`);
  if (cutOff.length > 0) {
    notices.push(`${cutOff.length} running did not stop within ${formatDuration(waitMs)} and were cut off`);
  }
  for (const { task, step, outcome } of repeats) {
    const happened = outcome === "completed" ? "took place" : "may have taken place";
    notices.push(`step ${step} of ${task} ${happened} and would take place again when work goes on`);
  }
  if (boxes !== null && boxes.changed > 0)
    notices.push(
      boxes.changed === 1
        ? `1 box of ${session.planFile} was unticked: its task is open again`
        : `${boxes.changed} boxes of ${session.planFile} were unticked: their tasks are open again`,
    );
  for (const failure of boxes?.failed ?? [])
    notices.push(
      `${failure}; \`perdure run\` takes ticked boxes for done: untick them, or go on with \`perdure resume\``,
    );
  if (files !== null && files.leftAlone.length > 0) {
    notices.push(`${files.leftAlone.length} files in git repositories of their own were left alone`);
  }
  if (wasWorked) notices.push("it was being worked on and is paused: `perdure resume` goes on");
  return notices;
}
