/** Claims what the same transaction has made, without looking for what was there before it. */

import type { Command, CommandContext, Row } from "../command.ts";
import { together } from "../command.ts";
import { integer } from "../entity-rows.ts";
import type { Claimed } from "./claim-row.ts";
import { claimRows, toClaimed } from "./claim-row.ts";
import type { ClaimTasks } from "./claims.ts";
import { HAS_LANES, HAS_RULES } from "./limit-places.ts";
import { byUrgency, IS_ANY_WOKEN, IS_LEASED, noneReadySql } from "./ready-tasks.ts";

/**
 * The new tasks, when they are all there is to claim: that is presumed, and looked at by the server once they are claimed. `null`
 * where that is not to be expected, or more has to be known of a task than what it is.
 */
export function* claimNew(context: CommandContext, input: ClaimTasks): Command<readonly Claimed[] | null> {
  const made = context.newlyReady?.() ?? null;
  if (made === null || context.presumptions === undefined) return null;
  const ready = made.filter((task) => isInScope(task, context.now, input));
  if (ready.length === 0 || ready.length > input.limit || !ready.every(isPlain)) return null;
  context.presumptions.presume(nothingElse(context, input));
  const rows = ready.map((task) => ({ ...task, project_id: context.projectId })).toSorted(byUrgency);
  const claimed = yield* together(rows.map((task) => claimRows(context, task, input.workerId)));
  for (const running of claimed) context.presumptions.rememberRunning(running);
  return yield* together(claimed.map(toClaimed));
}

function isInScope(task: Row, now: number, { executors, sessionId }: ClaimTasks): boolean {
  if (sessionId !== null && task.session_id !== sessionId) return false;
  return executors.includes(String(task.executor)) && task.held === 0 && integer(task.run_at) <= now;
}

/** Neither under a limit of its own nor for some workers alone, and once. */
function isPlain(task: Row): boolean {
  return task.labels === null && task.limit_key === null && task.schedule === null && task.execution_id === null;
}

/** No limits, no labels, nothing whose wait is over, a worker with a lease; and nothing left that it could claim. */
function nothingElse(
  { projectId, now }: CommandContext,
  { workerId, ...scope }: ClaimTasks,
): { readonly sql: string; readonly params: readonly (string | number)[] } {
  const none = noneReadySql(projectId, now, scope);
  const sql = `not ${HAS_RULES} and not ${HAS_LANES} and not ${IS_ANY_WOKEN} and ${IS_LEASED} and ${none.sql}`;
  return { sql, params: [projectId, projectId, projectId, now, projectId, workerId, now, ...none.params] };
}
