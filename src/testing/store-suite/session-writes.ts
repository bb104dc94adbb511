/** The plainest writes of working memory and messages, for tests that are about what becomes of such rows. */

import type { SessionId } from "../../domain/ids.ts";
import type { Command } from "../../store/command.ts";
import { defineWrite, oneRow } from "../../store/command.ts";
import { deleteRow, insertRow, updateRow } from "../../store/rows.ts";
import { columnsOf, MEMORY, MESSAGES } from "../../store/tables.ts";
import { storeValue } from "../../store/values.ts";

export interface WriteEntry {
  readonly sessionId: SessionId;
  readonly key: string;
  /** `undefined` deletes the entry. */
  readonly value: unknown;
}

export const writeEntry = defineWrite("test-write-entry", function* (context, input: WriteEntry): Command<void> {
  const { sessionId, key, value } = input;
  const sql = `select project_id, ${columnsOf(MEMORY)} from memory where project_id = ? and session_id = ? and key = ?`;
  const before = yield* oneRow(sql, context.projectId, sessionId, key);
  if (value === undefined) {
    if (before !== null) yield* deleteRow(context, MEMORY, before, { verb: "delete" });
    return;
  }
  const stored = yield* storeValue(value, key);
  const written = { value: stored, size_bytes: stored.length, updated_at: context.now };
  if (before !== null) {
    yield* updateRow(context, MEMORY, before, { verb: "store", patch: written });
    return;
  }
  const values = { session_id: sessionId, key, ...written, importance: 0.5, created_at: context.now };
  yield* insertRow(context, MEMORY, values, { verb: "store" });
});

export const writeMessage = defineWrite(
  "test-write-message",
  function* (context, input: { readonly sessionId: SessionId; readonly text: string }): Command<void> {
    const { sessionId, text } = input;
    const sql = "select position from messages where project_id = ? and session_id = ? order by position desc limit 1";
    const last = yield* oneRow(sql, context.projectId, sessionId);
    const parts = yield* storeValue([{ type: "text", text }], "A message", MESSAGES.inlineBytes?.parts);
    const values = {
      session_id: sessionId,
      position: Number(last?.position ?? -1) + 1,
      role: "user",
      parts,
      token_count: text.length,
      created_at: context.now,
    };
    yield* insertRow(context, MESSAGES, values, { verb: "append" });
  },
);
