/** What a cleanup has something to do about: occurrences of a recurring task, checkpoints. */

import type { SessionId, WorkerId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import type { Command } from "../../store/command.ts";
import { defineWrite, rows } from "../../store/command.ts";
import { claimTask } from "../../store/commands/claims.ts";
import { createTasks } from "../../store/commands/create-tasks.ts";
import { completeExecution } from "../../store/commands/executions.ts";
import { registerWorker } from "../../store/commands/workers.ts";
import { insertRow } from "../../store/rows.ts";
import { CHECKPOINTS } from "../../store/tables.ts";
import { aTask, aWorker } from "../../testing/builders.ts";
import type { StoreDep } from "../../store/port.ts";
import type { FakeClock } from "../../testing/fake-clock.ts";

const YEAR_MS = 365 * 86_400_000;

/** Without an environment, at the present end of the log. Returns its position. */
export const insertCheckpoint = defineWrite(
  "insert-checkpoint",
  function* (context, input: { readonly sessionId: string; readonly kind: string }): Command<number> {
    const [last] = yield* rows("select max(seq) as seq from changes where project_id = ?", context.projectId);
    const values = { id: context.uuid(), session_id: input.sessionId, label: "x", kind: input.kind };
    const position = Number(last?.seq);
    const rest = { position, environment_hash: "h", checksum: "c", created_at: context.now };
    yield* insertRow(context, CHECKPOINTS, { ...values, ...rest }, { verb: "create" });
    return position;
  },
);

/** Runs a recurring task so many times. */
export async function addOccurrences(
  { store, clock }: StoreDep & { readonly clock: FakeClock },
  sessionId: SessionId,
  count: number,
): Promise<void> {
  const schedule = { type: "every", intervalMs: 1_000 } as const;
  const task = aTask({ ref: "digest", schedule, scheduledFor: clock.now(), runAt: clock.now() });
  const [created] = await store.execute(createTasks, { sessionId: sessionId, tasks: [task] });
  if (created === undefined) throw new Error("no task");
  await store.execute(registerWorker, aWorker("w", { leaseMs: YEAR_MS }));
  for (let index = 0; index < count; index += 1) {
    const { execution } = await store.execute(claimTask, { taskId: created.id, workerId: asId<WorkerId>("w") });
    const hold = { executionId: execution.id, fence: execution.fence };
    const due = clock.now() + 1_000;
    const next = { scheduledFor: due, runAt: due, missedUntil: null, skipped: 0 };
    await store.execute(completeExecution, { hold, result: index, next });
    clock.advance(1_000);
  }
}
