/** A worker that carries out tasks of every session, or of one, until it is told to stop. */

import * as v from "valibot";

import { parseDurationMs } from "../base/duration.ts";
import type { SessionId } from "../domain/ids.ts";
import { parseLabels } from "../domain/labels.ts";
import type { Worker } from "../engine/worker.ts";
import { createWorker } from "../engine/worker.ts";
import { describeQueue } from "../store/commands/queue.ts";
import { startMemoryCleanup } from "../memory/memory-cleanup.ts";
import { startAutomaticCleanup } from "./automatic-cleanup.ts";
import { chosenExecutors } from "./chosen-executors.ts";
import { createCheckpointer } from "./checkpointer.ts";
import { createSessionSettler } from "./session-settler.ts";
import { concurrencyInput, labelsInput, sessionReference, timeoutInput } from "./json/inputs.ts";
import { toIsoOrNull } from "./json/times.ts";
import type { OperationContext, RunOptions } from "./operation.ts";
import { defineOperation } from "./operation.ts";
import { refuseDamaged } from "./refuse-damaged.ts";
import type { PlanTicker } from "./plan-ticker.ts";
import { createPlanTicker } from "./plan-ticker.ts";
import { findSessionId } from "./references.ts";
import { GRACE_MS, toOperationEvents } from "./session-work.ts";
import { applyLimitRules } from "./limit-rules.ts";
import type { Offer } from "./work-end.ts";
import { missingMessage } from "./work-end.ts";

/** The reason of an abort after which what runs may come to its end first, within the time for it. */
export const DRAIN = "drain";

export const workerRun = defineOperation({
  name: "worker-run",
  summary: "Carries out tasks of every active session until it is told to stop.",
  input: v.object({
    concurrency: concurrencyInput,
    session: sessionReference,
    /** Only tasks of these executors. */
    executors: v.optional(v.pipe(v.array(v.string()), v.nonEmpty("names no executor"))),
    /** What it offers to tasks that require labels; as configured when not said. */
    labels: v.optional(labelsInput),
    /** How long what runs may go on when it is told to drain; as configured when not said. */
    drain: v.optional(timeoutInput),
    /** Tick completed tasks off in Markdown plans. */
    tick: v.optional(v.boolean(), true),
  }),
  output: v.object({
    workerId: v.string(),
    /** Runs that ended here, by how they ended. */
    outcomes: v.record(v.string(), v.number()),
    /** Sessions of which it ran something. */
    sessions: v.array(v.string()),
  }),
  async run(context, input, options = {}) {
    await refuseDamaged(context);
    const executors = chosenExecutors(await context.loadExecutors(), input.executors);
    const { config } = context;
    const follower = sessionFollower(context, input.tick);
    const checkpointer = createCheckpointer(context);
    const outcomes: Record<string, number> = {};
    const sessionId = input.session === null ? null : await findSessionId(context, input.session);
    const labels = parseLabels("The labels of this worker", input.labels ?? config.worker.labels);
    const drainMs = input.drain === undefined ? config.worker.drainMs : parseDurationMs(input.drain, "drain");
    const offer = { executors: new Set(executors.keys()), labels: new Set(labels) };
    await applyLimitRules(context);
    const worker = createWorker(context, {
      executors: () => executors,
      labels,
      concurrency: input.concurrency ?? config.worker.concurrency,
      sessionId,
      leaseMs: config.worker.leaseMs,
      heartbeatMs: config.worker.heartbeatMs,
      graceMs: GRACE_MS,
      onEvent: (event) => {
        for (const told of toOperationEvents(event)) options.onEvent?.(told);
        if (event.kind === "started") checkpointer.taskStarted(event.claimed.task.sessionId);
        if (event.kind !== "ended") return;
        checkpointer.taskEnded(event.claimed.task.sessionId);
        outcomes[event.outcome] = (outcomes[event.outcome] ?? 0) + 1;
        follower.touch(event.claimed.task.sessionId);
      },
    });
    const cleaning = startAutomaticCleanup(context, options);
    let stopMemoryCleanup = (): void => {};
    try {
      await worker.start();
      stopMemoryCleanup = startMemoryCleanup(context, context.config.workingMemory.cleanupIntervalMs);
      await untilAborted(worker, { ...options, missing: () => missingHere(context, sessionId, offer) });
      if (options.signal?.reason === DRAIN) await worker.drain(drainMs);
    } finally {
      stopMemoryCleanup();
      try {
        await cleaning.stop();
        await worker.stop();
      } finally {
        await checkpointer.finish();
        await follower.finish();
      }
    }
    return { workerId: worker.id, outcomes, sessions: follower.sessions() };
  },
});

async function missingHere(
  context: OperationContext,
  sessionId: SessionId | null,
  offer: Offer,
): Promise<string | null> {
  return missingMessage(await context.store.execute(describeQueue, { sessionId }), offer);
}

interface UntilAborted extends RunOptions {
  /** What waits for executors or labels this process does not have. */
  missing(): Promise<string | null>;
}

async function untilAborted(worker: Worker, options: UntilAborted): Promise<void> {
  const { signal, onEvent, missing } = options;
  const aborted = whenAborted(signal);
  let lastSaid: string | null | undefined;
  let lastLacking: string | null = null;
  if (signal?.aborted === true) return;
  for (let version = 0; ;) {
    const idle = await Promise.race([worker.nextIdle(version), aborted]);
    if (idle === null) return;
    version = idle.version;
    const lacking = await missing();
    if (lacking !== null && lacking !== lastLacking) onEvent?.({ type: "notice", message: lacking });
    lastLacking = lacking;
    const until = toIsoOrNull(idle.nextDueAt);
    if (until !== lastSaid) onEvent?.({ type: "waiting", until, message: "nothing to do" });
    lastSaid = until;
  }
}

function whenAborted(signal: AbortSignal | undefined): Promise<null> {
  return new Promise((resolve) => signal?.addEventListener("abort", () => resolve(null), { once: true }));
}

/** Brings sessions that something was run of to their end, and their plans up to date. */
interface SessionFollower {
  touch(sessionId: SessionId): void;
  sessions(): string[];
  finish(): Promise<void>;
}

function sessionFollower(context: OperationContext, isTicking: boolean): SessionFollower {
  const tickers = new Map<SessionId, PlanTicker | null>();
  const settler = createSessionSettler(context);
  return {
    touch(sessionId) {
      settler.touch(sessionId);
      if (!tickers.has(sessionId)) tickers.set(sessionId, isTicking ? createPlanTicker(context, sessionId) : null);
      tickers.get(sessionId)?.tickSoon();
    },
    sessions: () => [...tickers.keys()],
    async finish() {
      await settler.settle();
      await settler.stop();
      for (const ticker of tickers.values()) await ticker?.finish();
    },
  };
}
