/**
 * Brings sessions that something was run of to their end. At most so often, as the next task opens a session again that was
 * brought to its end: where tasks come one by one that, and the checkpoint of each end, would be in the way of the next.
 */

import type { SessionId } from "../domain/ids.ts";
import { settleSession } from "../store/commands/sessions.ts";
import { sealEnded } from "./checkpointer.ts";
import type { OperationContext } from "./operation.ts";

export interface SessionSettler {
  /** A run of it ended. */
  touch(sessionId: SessionId): void;
  /** Looks at once at those that were touched. */
  settle(): Promise<void>;
  /** Looks no more; resolves when it is done with the last. */
  stop(): Promise<void>;
}

const SETTLE_MS = 250;

export function createSessionSettler(context: OperationContext): SessionSettler {
  const touched = new Set<SessionId>();
  let cancelTimer: (() => void) | null = null;
  let settling: Promise<void> = Promise.resolve();
  const cancel = (): void => {
    cancelTimer?.();
    cancelTimer = null;
  };
  const settleTouched = async (): Promise<void> => {
    const sessions = [...touched];
    touched.clear();
    for (const sessionId of sessions) {
      await sealEnded(context, await context.store.execute(settleSession, { sessionId }));
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
      // A store that fails tells the worker so, which gives up; here it need not be said again.
      cancelTimer ??= context.clock.setTimer(SETTLE_MS, () => void settle().catch(() => {}));
    },
    settle,
    async stop() {
      cancel();
      await settling.catch(() => {});
    },
  };
}
