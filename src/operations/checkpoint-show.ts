/** Shows a checkpoint: what is behind it, whether it is sound, and what is different since in the environment. */

import * as v from "valibot";

import { isPerdureError } from "../base/errors.ts";
import { compareEnvironments } from "../domain/environment.ts";
import type { CheckpointId } from "../domain/ids.ts";
import { checkCheckpoint } from "../store/commands/checkpoint-soundness.ts";
import { getCheckpoint, resolveCheckpoint } from "../store/commands/checkpoints.ts";
import {
  checkpointReference,
  checkpointSchema,
  checkpointToJson,
  differencesToJson,
  environmentDifferenceSchema,
} from "./json/checkpoint.ts";
import type { OperationContext } from "./operation.ts";
import { defineOperation } from "./operation.ts";

export const checkpointShow = defineOperation({
  name: "checkpoint-show",
  summary:
    "Shows a checkpoint: whether it is sound, how much has changed since, and what is different in the environment.",
  input: v.object({ checkpoint: checkpointReference }),
  output: v.object({
    ...checkpointSchema.entries,
    /** Changes of its session since; `null` when it is damaged. */
    changesSince: v.nullable(v.number()),
    /** Why it cannot be returned to; `null` when it is sound. */
    problem: v.nullable(v.string()),
    differences: v.array(environmentDifferenceSchema),
  }),
  async run(context, input) {
    const checkpointId = await context.store.execute(resolveCheckpoint, { reference: input.checkpoint });
    const checkpoint = await context.store.execute(getCheckpoint, { checkpointId });
    const differences = compareEnvironments(checkpoint.environment, await context.environment());
    return {
      ...checkpointToJson(checkpoint),
      ...(await soundness(context, checkpointId)),
      differences: differencesToJson(differences),
    };
  },
});

async function soundness(
  { store }: Pick<OperationContext, "store">,
  checkpointId: CheckpointId,
): Promise<{ readonly changesSince: number | null; readonly problem: string | null }> {
  try {
    const { changeCount } = await store.execute(checkCheckpoint, { checkpointId });
    return { changesSince: changeCount, problem: null };
  } catch (error) {
    if (!isPerdureError(error, "store-damaged")) throw error;
    return { changesSince: null, problem: error.message };
  }
}
