/** Brings what runs in a session to a stop at its next step boundary, in whichever process, and waits for it. */

import type { SessionId, WorkerId } from "../domain/ids.ts";
import { listRunning } from "../store/commands/restore.ts";
import { listWorkers } from "../store/commands/workers.ts";
import { keptAlive } from "./kept-alive.ts";
import { recoverLost } from "./manual-claims.ts";
import type { OperationContext } from "./operation.ts";
import { pauseSession } from "./session-work.ts";

/** How often what runs is looked at, besides at every commit. */
const LOOK_MS = 200;

/**
 * Pauses the session and resolves once no process works on it any more, or when `waitMs` are over. Executions that a
 * person holds are not waited for: nobody would stop them.
 *
 * Returns whether anything ran; when nothing did, nothing was changed.
 */
export async function stopWork(
  context: OperationContext,
  { sessionId, waitMs }: { readonly sessionId: SessionId; readonly waitMs: number },
): Promise<boolean> {
  await recoverLost(context);
  const running = await context.store.execute(listRunning, { sessionId });
  if (running.length === 0) return false;
  const deadline = context.clock.now() + waitMs;
  await pauseSession(context, sessionId);
  await keptAlive(async () => {
    while ((await isWorkedByProcess(context, sessionId)) && context.clock.now() < deadline) {
      await nextLook(context, deadline);
      await recoverLost(context);
    }
  });
  return true;
}

async function isWorkedByProcess({ store }: OperationContext, sessionId: SessionId): Promise<boolean> {
  const running = await store.execute(listRunning, { sessionId });
  if (running.length === 0) return false;
  const workers = await store.execute(listWorkers, null);
  const processes = new Set<WorkerId>(workers.filter(({ isByHand }) => !isByHand).map(({ id }) => id));
  return running.some(({ workerId }) => workerId !== null && processes.has(workerId));
}

function nextLook({ store, clock }: OperationContext, deadline: number): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      stopListening();
      cancelTimer();
      resolve();
    };
    const stopListening = store.onCommit(() => wake());
    const cancelTimer = clock.setTimer(Math.min(LOOK_MS, Math.max(0, deadline - clock.now())), () => wake());
  });
}
