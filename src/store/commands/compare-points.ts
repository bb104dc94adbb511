/** What differs in a session between two points of the change log, row by row. Reads only. */

import { PerdureError } from "../../base/errors.ts";
import type { CheckpointId, SessionId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { defineRead, oneRow } from "../command.ts";
import { integer, text } from "../entity-rows.ts";
import { TASKS } from "../tables.ts";
import { withValues } from "../values.ts";
import { checkpointRow } from "./checkpoint-rows.ts";
import { historySinceCheckpoint } from "./checkpoint-soundness.ts";
import { nameOfTask } from "./dependencies.ts";
import type { RowHistory } from "./session-history.ts";
import { historyKey } from "./session-history.ts";

export interface ComparePoints {
  readonly from: CheckpointId;
  /** `null` is the present. */
  readonly to: CheckpointId | null;
}

export interface RowDifference {
  readonly entity: string;
  readonly rowKey: string;
  /** `null` when it was not there. Values that are large are loaded. */
  readonly from: Row | null;
  readonly to: Row | null;
}

export interface PointDifference {
  readonly sessionId: SessionId;
  /** Rows that differ, in the order in which they were first changed. */
  readonly rows: readonly RowDifference[];
  /** Key or title of the tasks the rows are about, by id. */
  readonly taskNames: ReadonlyMap<string, string>;
}

/**
 * Takes O(changes since the earlier point).
 *
 * @throws PerdureError `not-found`; `invalid-input` for checkpoints of two sessions; `store-damaged`
 */
export const comparePoints = defineRead(
  "compare-points",
  function* (context, input: ComparePoints): Command<PointDifference> {
    const from = yield* checkpointRow(context, input.from);
    const to = input.to === null ? null : yield* checkpointRow(context, input.to);
    if (to !== null && to.session_id !== from.session_id) throw otherSession(from, to);
    const sinceFrom = yield* historySinceCheckpoint(context, from);
    const sinceTo = to === null ? null : yield* historySinceCheckpoint(context, to);
    const isForward = to === null || integer(to.position) >= integer(from.position);
    const earlier = isForward || sinceTo === null ? sinceFrom : sinceTo;
    const rowsThat: RowDifference[] = [];
    for (const [key, row] of earlier.rows) {
      const was = sinceFrom.rows.has(key) ? (sinceFrom.rows.get(key)?.was ?? null) : row.is;
      const is = sinceTo?.rows.has(key) ? (sinceTo.rows.get(key)?.was ?? null) : row.is;
      if (isSame(row, was, is)) continue;
      rowsThat.push({
        entity: row.table.name,
        rowKey: row.rowKey,
        from: was === null ? null : yield* withValues(was, row.table.json),
        to: is === null ? null : yield* withValues(is, row.table.json),
      });
    }
    const taskNames = yield* namesOfTasks(context, rowsThat, (id) => earlier.rows.get(historyKey(TASKS, id)));
    return { sessionId: asId(text(from.session_id)), rows: rowsThat, taskNames };
  },
);

function isSame({ table }: RowHistory, was: Row | null, is: Row | null): boolean {
  if (was === null || is === null) return was === is;
  return table.columns.every((column) => (was[column] ?? null) === (is[column] ?? null));
}

function* namesOfTasks(
  context: CommandContext,
  differing: readonly RowDifference[],
  historyOf: (id: string) => RowHistory | undefined,
): Command<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  for (const { entity, from, to } of differing) {
    const row = to ?? from;
    const id = entity === TASKS.name ? row?.id : row?.task_id;
    if (typeof id !== "string" || names.has(id)) continue;
    const history = historyOf(id);
    const sql = "select key, title from tasks where project_id = ? and id = ?";
    const task = history?.is ?? history?.was ?? (yield* oneRow(sql, context.projectId, id));
    if (task !== null) names.set(id, nameOfTask(task));
  }
  return names;
}

function otherSession(from: Row, to: Row): PerdureError {
  return new PerdureError("invalid-input", {
    message: `Checkpoints ${text(from.label)} and ${text(to.label)} are of two sessions`,
    hint: "Compare checkpoints of one session: `perdure checkpoint list` shows them.",
    details: { from: from.session_id, to: to.session_id },
  });
}
