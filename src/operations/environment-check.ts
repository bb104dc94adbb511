/** Before work goes on somewhere else than it was begun: what is different here, and whether it may. */

import { PerdureError } from "../base/errors.ts";
import type { Checkpoint } from "../domain/checkpoint.ts";
import type { EnvironmentDifference } from "../domain/environment.ts";
import { compareEnvironments } from "../domain/environment.ts";
import type { SessionId } from "../domain/ids.ts";
import { findNewestCheckpoint } from "../store/commands/checkpoints.ts";
import type { OperationContext, RunOptions } from "./operation.ts";

type CheckContext = Pick<OperationContext, "store" | "environment">;

/**
 * What differs between the present environment and the one of a checkpoint.
 *
 * @throws PerdureError `environment-mismatch` when something does not fit, unless `force`d.
 */
export async function compareWithCheckpoint(
  context: CheckContext,
  { checkpoint, force }: { readonly checkpoint: Checkpoint; readonly force: boolean },
): Promise<readonly EnvironmentDifference[]> {
  const differences = compareEnvironments(checkpoint.environment, await context.environment());
  const unfit = differences.filter(({ compatible }) => !compatible);
  if (force || unfit.length === 0) return differences;
  throw new PerdureError("environment-mismatch", {
    message: `The environment does not fit checkpoint ${checkpoint.label} (${checkpoint.id.slice(0, 8)}): ${unfit.map(({ message }) => message).join("; ")}`,
    hint: "Nothing was changed. Go on where it fits, or pass --force to go on here all the same.",
    details: { checkpointId: checkpoint.id, differences: unfit },
  });
}

/** Compares with the session's newest checkpoint, if it has one, and tells what differs. @throws PerdureError `environment-mismatch` */
export async function checkBeforeWork(
  context: CheckContext,
  { sessionId, force }: { readonly sessionId: SessionId; readonly force: boolean },
  options?: RunOptions,
): Promise<void> {
  const checkpoint = await context.store.execute(findNewestCheckpoint, { sessionId });
  if (checkpoint === null) return;
  for (const { message } of await compareWithCheckpoint(context, { checkpoint, force })) {
    options?.onEvent?.({ type: "notice", message: `since the last checkpoint: ${message}` });
  }
}
