/**
 * Makes checkpoints by itself while work goes on: every so many tasks, every so often, and at the end of a session. What
 * is finished is counted here, in the process, so that recording it costs nothing more.
 */

import type { Millis } from "../base/clock.ts";
import { formatDuration } from "../base/duration.ts";
import { isPerdureError } from "../base/errors.ts";
import type { Checkpoint } from "../domain/checkpoint.ts";
import type { SessionId } from "../domain/ids.ts";
import type { Session } from "../domain/session.ts";
import { NEWEST_KEPT } from "../domain/checkpoint-thinning.ts";
import { isFinishedSession } from "../domain/session.ts";
import { createCheckpointIfChanged, measureSinceCheckpoint } from "../store/commands/checkpoints.ts";
import type { OperationContext } from "./operation.ts";

type CheckpointerContext = Pick<
  OperationContext,
  "store" | "clock" | "random" | "config" | "environment" | "projectDir" | "storeFiles"
>;

export interface Checkpointer {
  /** Something of the session was begun here. */
  taskStarted(sessionId: SessionId): void;
  taskEnded(sessionId: SessionId): void;
  /** Makes no more; resolves when those on their way are made. */
  finish(): Promise<void>;
}

/**
 * Thousands of tasks a second must not make a checkpoint every few of them: as many as thinning keeps are made whenever
 * they are due, and from then on one each time this has passed.
 */
const MOST_AT_ONCE = NEWEST_KEPT;
const REFILL_MS = 250;
/** A session's end is told at once and again; both share one look at the environment. */
const END_AGE_MS = 25;
/** What git says is not asked for again within this time: many checkpoints are made while little else changes. */
const ENVIRONMENT_AGE_MS = 60_000;

export function createCheckpointer(context: CheckpointerContext): Checkpointer {
  const followed = new Map<SessionId, Follower>();
  const follow = (sessionId: SessionId): Follower => {
    let follower = followed.get(sessionId);
    if (follower === undefined) {
      follower = followSession(context, sessionId);
      followed.set(sessionId, follower);
    }
    return follower;
  };
  return {
    taskStarted: (sessionId) => follow(sessionId).touch(),
    taskEnded: (sessionId) => follow(sessionId).count(),
    async finish() {
      await Promise.all([...followed.values()].map((follower) => follower.finish()));
    },
  };
}

interface Follower {
  touch(): void;
  count(): void;
  finish(): Promise<void>;
}

function followSession(context: CheckpointerContext, sessionId: SessionId): Follower {
  const { clock, config } = context;
  const { everyTasks, everyMs } = config.checkpoint;
  let endedTasks = 0;
  let lastAt: Millis = clock.now();
  let allowance = MOST_AT_ONCE;
  let allowanceAt: Millis = lastAt;
  let making: Promise<void> | null = null;
  let cancelSpacing: (() => void) | null = null;
  let cancelTimer: (() => void) | null = null;
  let isOver = false;

  const make = (label: string): void => {
    endedTasks = 0;
    lastAt = clock.now();
    allowance -= 1;
    making = makeAutomatic(context, { sessionId, label }).then((made) => {
      making = null;
      if (isOver) return;
      // As long as nothing happens the clock is not looked at either: the next thing that does sets it again.
      if (made !== null) armTimer();
      makeIfDue();
    });
  };
  /** How long until one may be made again. */
  const refillMs = (): number => {
    const now = clock.now();
    allowance = Math.min(MOST_AT_ONCE, allowance + (now - allowanceAt) / REFILL_MS);
    allowanceAt = now;
    return Math.max(0, (1 - allowance) * REFILL_MS);
  };
  const isFree = (): boolean => !isOver && making === null && cancelSpacing === null;
  const makeIfDue = (): void => {
    if (!isFree() || endedTasks < everyTasks) return;
    const waitMs = refillMs();
    if (waitMs === 0) make(`after ${endedTasks} tasks`);
    else {
      cancelSpacing = clock.setTimer(waitMs, () => {
        cancelSpacing = null;
        makeIfDue();
      });
    }
  };
  const armTimer = (): void => {
    cancelTimer?.();
    cancelTimer = clock.setTimer(Math.max(0, lastAt + everyMs - clock.now()), () => {
      cancelTimer = null;
      if (isFree()) make(`after ${formatDuration(everyMs)}`);
    });
  };
  const touch = (): void => {
    if (cancelTimer === null && !isOver) armTimer();
  };
  return {
    touch,
    count() {
      endedTasks += 1;
      touch();
      makeIfDue();
    },
    async finish() {
      isOver = true;
      cancelTimer?.();
      cancelSpacing?.();
      await making;
    },
  };
}

async function makeAutomatic(
  context: CheckpointerContext,
  { sessionId, label }: { readonly sessionId: SessionId; readonly label: string },
): Promise<Checkpoint | null> {
  return await orNone(async () => {
    const environment = await context.environment({ maxAgeMs: ENVIRONMENT_AGE_MS });
    const workspace = await snapshotIfAll(context, label);
    const input = { sessionId, label, kind: "automatic", environment, workspace } as const;
    return await context.store.execute(createCheckpointIfChanged, input);
  });
}

/** The snapshot an automatic checkpoint holds where all of them are to. One that cannot be taken keeps no checkpoint from being made. */
async function snapshotIfAll(context: CheckpointerContext, label: string): Promise<string | null> {
  if (context.config.workspace.mode !== "all") return null;
  const { takeSnapshot } = await import("./workspace-of.ts");
  return await orNone(() => takeSnapshot(context, label));
}

/** A session that has come to its end keeps a checkpoint of it. Safe to repeat. */
export async function sealEnded(
  context: CheckpointerContext,
  { id: sessionId, status }: Pick<Session, "id" | "status">,
): Promise<void> {
  if (!isFinishedSession(status) && status !== "failed") return;
  await orNone(async () => {
    const environment = await context.environment({ maxAgeMs: END_AGE_MS });
    const workspace = await snapshotIfAll(context, status);
    const input = { sessionId, label: status, kind: "final", environment, workspace } as const;
    return await context.store.execute(createCheckpointIfChanged, input);
  });
}

/** For what is done by hand, a process each: what was done since the last checkpoint is counted in the store. */
export async function checkpointIfDue(context: CheckpointerContext, sessionId: SessionId): Promise<void> {
  const { everyTasks, everyMs } = context.config.checkpoint;
  const { endedTasks, since } = await context.store.execute(measureSinceCheckpoint, { sessionId, bound: everyTasks });
  if (endedTasks >= everyTasks) await makeAutomatic(context, { sessionId, label: `after ${endedTasks} tasks` });
  else if (context.clock.now() - since >= everyMs) {
    await makeAutomatic(context, { sessionId, label: `after ${formatDuration(everyMs)}` });
  }
}

/** A store that fails says so to the work itself; a checkpoint that nobody asked for is no reason to fail. */
async function orNone<Made>(make: () => Promise<Made | null>): Promise<Made | null> {
  try {
    return await make();
  } catch (error) {
    if (isPerdureError(error)) return null;
    throw error;
  }
}
