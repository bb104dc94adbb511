/**
 * Brings sessions that something was run of to their end. At most so often, as the next task opens a session again that was
 * brought to its end: where tasks come one by one that, and the checkpoint of each end, would be in the way of the next.
 */

import { isPerdureError } from "../base/errors.ts";
import type { SessionId } from "../domain/ids.ts";
import { settleSession } from "../store/commands/sessions.ts";
import { sealEnded } from "./checkpointer.ts";
import type { OperationContext } from "./operation.ts";

export interface SessionSettler {
  /** A run of it ended. */
  touch(sessionId: SessionId): void;
  /** Looks at once at those that were touched. @throws what the store failed with; what is left is looked at the next time */
  settle(): Promise<void>;
  /** Looks no more; resolves when it is done with the last. */
  stop(): Promise<void>;
}

const SETTLE_MS = 250;
/** Side by side, so that their checkpoints share a transaction. */
const AT_ONCE = 50;

export function createSessionSettler(context: OperationContext): SessionSettler {
  const touched = new Set<SessionId>();
  let cancelTimer: (() => void) | null = null;
  let settling: Promise<void> = Promise.resolve();
  let isOver = false;
  const cancel = (): void => {
    cancelTimer?.();
    cancelTimer = null;
  };
  const settleOne = async (sessionId: SessionId): Promise<void> => {
    try {
      await sealEnded(context, await context.store.execute(settleSession, { sessionId }));
    } catch (error) {
      // Deleted meanwhile.
      if (isPerdureError(error, "not-found")) return;
      touched.add(sessionId);
      throw error;
    }
  };
  const settleTouched = async (): Promise<void> => {
    const sessions = [...touched];
    touched.clear();
    for (let from = 0; from < sessions.length; from += AT_ONCE) {
      const looks = await Promise.allSettled(sessions.slice(from, from + AT_ONCE).map(settleOne));
      for (const look of looks) if (look.status === "rejected") throw look.reason;
    }
  };
  const settle = (): Promise<void> => {
    cancel();
    settling = settling.catch(() => {}).then(settleTouched);
    return settling;
  };
  return {
    touch(sessionId) {
      touched.add(sessionId);
      if (isOver) return;
      // A store that fails tells the worker so, which gives up; here it need not be said again.
      cancelTimer ??= context.clock.setTimer(SETTLE_MS, () => void settle().catch(() => {}));
    },
    settle,
    async stop() {
      isOver = true;
      cancel();
      await settling.catch(() => {});
    },
  };
}
