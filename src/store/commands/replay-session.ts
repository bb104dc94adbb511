/** Making a session's history again in another log: new places in the log and the tables, new ids if asked for, else as it was. */

import type { SessionId } from "../../domain/ids.ts";
import type { Command, CommandContext, Row, SqlValue } from "../command.ts";
import { rows } from "../command.ts";
import { integer } from "../entity-rows.ts";
import { withoutImplied } from "../implied-columns.ts";
import type { RawChange } from "../rebuild.ts";
import { applyChange, CHANGE_COLUMNS, columnsIn, damagedChange } from "../rebuild.ts";
import { rowKeyText } from "../rows.ts";
import type { IdMap } from "../session-ids.ts";
import { foreignReference, idsMadeIn, mapIds, mapStepKind } from "../session-ids.ts";
import type { Table } from "../tables.ts";
import { CHECKPOINTS, inlineBytesOf, SESSIONS, STEPS, tableOf, TASKS } from "../tables.ts";
import { blobHashOf, loadValue, storeValue } from "../values.ts";
import { checksumOf } from "./checkpoint-seal.ts";

type Values = Readonly<Record<string, SqlValue>>;

export interface ReplaySession {
  /** As the history calls it. */
  readonly sessionId: SessionId;
  readonly history: readonly RawChange[];
  readonly ids: IdMap;
  readonly hasWorkspaces: boolean;
}

/** What is known of the replay so far. */
interface Replay extends ReplaySession {
  /** Ids that the history makes. */
  readonly madeIds: ReadonlySet<string>;
  /** The changes made, by their place in the log they come from, ascending. */
  readonly made: { readonly from: number; readonly change: Row }[];
  /** Columns that rows have here and not where they come from, by table and row key. */
  readonly own: Map<string, Values>;
}

/** @throws PerdureError `store-damaged` naming the change that does not fit what stands before it */
export function* replaySession(context: CommandContext, input: ReplaySession): Command<void> {
  const madeIds = new Set([...idsMadeIn([], input.history).values()].flatMap((ids) => [...ids]));
  const replay: Replay = { ...input, madeIds, made: [], own: new Map() };
  for (const change of input.history) yield* replayChange(context, replay, change);
}

function* replayChange(context: CommandContext, replay: Replay, change: RawChange): Command<void> {
  const { ids } = replay;
  const table = tableOf(change.entity);
  if (table === undefined) throw damagedChange(change, `is of an unknown table ${JSON.stringify(change.entity)}`);
  const was = columnsIn(change, table, change.before);
  const becomes = columnsIn(change, table, change.after);
  refuseForeign(replay, { table, change, values: { ...was, ...becomes } });
  const before = yield* translated(table, was, ids);
  const after = yield* translated(table, becomes, ids);
  const moved: RawChange = {
    ...change,
    sessionId: mapId(change.sessionId, ids),
    taskId: mapId(change.taskId, ids),
    rowKey: mapRowKey(table, change.rowKey, ids),
    part: context.nextPart(),
  };
  const place = `${table.name} ${moved.rowKey}`;
  if (before === null && after !== null) {
    const row = yield* insertAnew(context, replay, { table, values: after, change });
    replay.own.set(place, row.own);
    const said = withoutImplied(table, row.values, moved);
    return yield* append(context, replay, change.seq, { ...moved, after: JSON.stringify(said) });
  }
  const own = replay.own.get(place);
  if (own === undefined) throw damagedChange(change, "is of a row that its history did not make");
  // A deletion says all the row held, also what it has here only.
  const held = before !== null && after === null && Object.keys(before).length > 0 ? own : {};
  const fitting: RawChange = {
    ...moved,
    before: before === null ? null : JSON.stringify({ ...before, ...held }),
    after: after === null ? null : JSON.stringify(after),
  };
  yield* append(context, replay, change.seq, fitting);
  yield* applyChange(context, fitting);
}

/** A file says what it likes; what is of another session is not touched (INV-7). */
function refuseForeign(
  { sessionId, madeIds }: Replay,
  { table, change, values }: { readonly table: Table; readonly change: RawChange; readonly values: Values },
): void {
  const foreign =
    change.sessionId === sessionId ? foreignReference(table, values, { id: sessionId, made: madeIds }) : "its session";
  if (foreign !== null) throw damagedChange(change, `leads out of the session: ${foreign}`);
}

function* translated(table: Table, values: Values | null, ids: IdMap): Command<Values | null> {
  return values === null ? null : yield* stepKindMapped(table, mapIds(values, ids), ids);
}

/** A step's kind may be large, and is then a blob of its own. */
export function* stepKindMapped(table: Table, values: Values, ids: IdMap): Command<Values> {
  const { kind } = values;
  if (ids.size === 0 || table !== STEPS || typeof kind !== "string") return values;
  if (blobHashOf(kind) === null) return { ...values, kind: mapStepKind(kind, ids) };
  const text = mapStepKind(JSON.stringify(yield* loadValue(kind, "a step's kind")), ids);
  return { ...values, kind: yield* storeValue(JSON.parse(text), "A step's kind", inlineBytesOf(STEPS, "kind")) };
}

interface InsertAnew {
  readonly table: Table;
  readonly values: Values;
  readonly change: RawChange;
}

/** The row as it is here, without what it does not have. */
function* insertAnew(
  context: CommandContext,
  replay: Replay,
  { table, values, change }: InsertAnew,
): Command<{ readonly values: Values; readonly own: Values }> {
  let own: Record<string, SqlValue> = {};
  if (replay.ids.size > 0 && (table === SESSIONS || table === TASKS)) own.origin_id = change.rowKey;
  if (table === CHECKPOINTS) own = sealedHere(replay, values, change);
  const placed: Record<string, SqlValue> = { ...values, ...own };
  delete placed.seq;
  const columns = Object.keys(placed);
  const sql = `insert into ${table.name} (project_id, ${columns.join(", ")}) values (?${", ?".repeat(columns.length)})
    on conflict do nothing returning ${table.hasSeq ? "seq" : "project_id"}`;
  const [inserted] = yield* rows(sql, context.projectId, ...Object.values(placed));
  if (inserted === undefined) throw damagedChange(change, `adds a row to ${table.name} that is there already`);
  if (table.hasSeq) own.seq = inserted.seq ?? null;
  const kept = Object.entries({ ...placed, ...own }).filter(([, value]) => value !== null);
  return { values: Object.fromEntries(kept), own };
}

/** The checkpoint names the newest change of its session that it includes, where that is in this log. */
function sealedHere({ made, hasWorkspaces }: Replay, values: Values, change: RawChange): Record<string, SqlValue> {
  const named = made.findLast(({ from }) => from <= integer(values.position))?.change;
  if (named === undefined) throw damagedChange(change, "names a change before its session began");
  const own = { position: named.seq ?? null, ...(hasWorkspaces ? {} : { workspace: null }) };
  return { ...own, checksum: checksumOf({ ...values, ...own }, named) };
}

const APPEND_COLUMNS = CHANGE_COLUMNS.replace("seq, ", "");
const APPEND_SQL = `insert into changes (project_id, ${APPEND_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  returning seq`;

function* append(context: CommandContext, { made }: Replay, from: number, change: RawChange): Command<void> {
  const { sessionId, taskId, at, actor, verb, entity, rowKey, before, after, note, part } = change;
  const values = {
    session_id: sessionId,
    task_id: taskId,
    at,
    actor,
    verb,
    entity,
    row_key: rowKey,
    before,
    after,
    note,
    part,
  };
  const [appended] = yield* rows(APPEND_SQL, context.projectId, ...Object.values(values));
  made.push({ from, change: { ...values, seq: appended?.seq ?? null } });
}

function mapId(id: string | null, ids: IdMap): string | null {
  return id === null ? null : (ids.get(id) ?? id);
}

function mapRowKey(table: Table, rowKey: string, ids: IdMap): string {
  if (ids.size === 0) return rowKey;
  if (table.key.length === 1) return mapId(rowKey, ids) ?? rowKey;
  const key = JSON.parse(rowKey) as readonly SqlValue[];
  const values = Object.fromEntries(table.key.map((column, index) => [column, key[index] ?? null]));
  return rowKeyText(table, mapIds(values, ids));
}
