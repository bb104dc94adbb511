/** Whether checkpoints are as they were made, told by their checksums alone: what came after them is not looked at. */

import type { Command } from "../command.ts";
import { defineRead, rows } from "../command.ts";
import { integer, text } from "../entity-rows.ts";
import { CHECKPOINT_SQL } from "./checkpoint-rows.ts";
import { sealProblem } from "./checkpoint-soundness.ts";

export interface CheckpointSeals {
  readonly looked: number;
  readonly damaged: readonly { readonly label: string; readonly id: string; readonly problem: string }[];
  /** Where to go on; `null` at the end. */
  readonly next: number | null;
}

/** Of the whole project, a page at a time. */
export const checkSeals = defineRead(
  "check-seals",
  function* (context, input: { readonly after: number; readonly limit: number }): Command<CheckpointSeals> {
    const sql = `${CHECKPOINT_SQL} where project_id = ? and seq > ? order by seq limit ?`;
    const page = yield* rows(sql, context.projectId, input.after, input.limit);
    const damaged: { label: string; id: string; problem: string }[] = [];
    for (const checkpoint of page) {
      const problem = yield* sealProblem(context, checkpoint);
      if (problem !== null) damaged.push({ label: text(checkpoint.label), id: text(checkpoint.id), problem });
    }
    const last = page.at(-1);
    return { looked: page.length, damaged, next: page.length < input.limit || !last ? null : integer(last.seq) };
  },
);
