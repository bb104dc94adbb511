/** `create_checkpoint` and `restore_checkpoint` */

import * as v from "valibot";

import { checkpointCreate } from "../../operations/checkpoint-create.ts";
import { checkpointRestore } from "../../operations/checkpoint-restore.ts";
import { runOperation } from "../../operations/operation.ts";
import { ANSWER_LIMITS, shortenTo } from "../answer-limits.ts";
import { ADDS, answer, CHANGES, defineTool } from "../tool.ts";

export const createCheckpoint = defineTool({
  name: "create_checkpoint",
  description: "Marks a point of the session to return to: before something risky, or when a part is done.",
  annotations: ADDS,
  input: v.strictObject({ label: v.optional(v.string()), session: v.optional(v.string()) }),
  output: v.object({ success: v.boolean(), checkpoint_id: v.string(), session_id: v.string(), label: v.string() }),
  async run(context, { label, session }) {
    const made = await runOperation(checkpointCreate, context, {
      input: { label: label ?? null, session: session ?? null },
    });
    return answer(
      { success: true, checkpoint_id: made.id, session_id: made.sessionId, label: made.label },
      `Checkpoint ${made.id.slice(0, 8)} ${JSON.stringify(made.label)}: restore_checkpoint returns to it.`,
    );
  },
});

export const restoreCheckpoint = defineTool({
  name: "restore_checkpoint",
  description:
    "Returns the session's tasks, journal and memory to a checkpoint; files stay as they are. Itself undone by restoring the checkpoint it answers with.",
  annotations: CHANGES,
  input: v.strictObject({
    checkpoint_id: v.pipe(v.string(), v.description("id, its beginning, or label")),
    force: v.optional(v.pipe(v.boolean(), v.description("also where the environment does not fit"))),
  }),
  output: v.object({
    success: v.boolean(),
    session_id: v.string(),
    state: v.string(),
    undo_checkpoint_id: v.string(),
    /** Effects outside that took place, or may have, and take place again when work goes on. */
    repeats: v.array(v.string()),
    notices: v.array(v.string()),
  }),
  async run(context, { checkpoint_id: checkpoint, force }) {
    const restored = await runOperation(checkpointRestore, context, { input: { checkpoint, force: force ?? false } });
    const { session, undo, rows } = restored;
    const repeats = restored.repeats.slice(0, MOST_LINES).map(({ task, step }) => shorten(`${task}: ${step}`));
    const notices = restored.notices.slice(0, MOST_LINES).map(shorten);
    return answer(
      {
        success: true,
        session_id: session.id,
        state: session.status,
        undo_checkpoint_id: undo.id,
        repeats,
        notices,
      },
      [
        `Session ${JSON.stringify(session.name)} is as it was (${rows.added + rows.changed + rows.removed} rows returned); it is ${session.status}. Checkpoint ${undo.id.slice(0, 8)} undoes this.`,
        ...repeats.map((effect) => `Takes place again: ${effect}`),
        ...notices,
      ].join("\n"),
    );
  },
});

const MOST_LINES = 20;
const shorten = (text: string): string => shortenTo(text, ANSWER_LIMITS.noteChars);
