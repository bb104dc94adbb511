/** `perdure.work`: a worker in this process, until it is idle or told to stop. */

import type { SessionId } from "../domain/ids.ts";
import { parseLabels } from "../domain/labels.ts";
import type { Worker } from "../engine/worker.ts";
import type { WorkerEvent } from "../engine/worker-options.ts";
import { createWorker } from "../engine/worker.ts";
import { startMemoryCleanup } from "../memory/memory-cleanup.ts";
import { chosenExecutors } from "../operations/chosen-executors.ts";
import { createCheckpointer } from "../operations/checkpointer.ts";
import { applyLimitRules } from "../operations/limit-rules.ts";
import type { SessionSettler } from "../operations/session-settler.ts";
import { createSessionSettler } from "../operations/session-settler.ts";
import { GRACE_MS } from "../operations/session-work.ts";
import type { Project } from "./open-project.ts";

export interface WorkOptions {
  /**
   * `idle`: until nothing runs and nothing is to come but later occurrences of recurring tasks. Waits for retries, sleeps,
   * scheduled tasks to come due and limits to have a place; not for people, and not for tasks that need other executors or
   * labels than this process has. Without it: until `signal` aborts or `close` is called.
   */
  readonly until?: "idle";
  /** Tasks side by side. Default: as configured, else 3. */
  readonly concurrency?: number;
  /** Only tasks of these executors, which must be defined. Default: of all that are defined, also later. */
  readonly executors?: readonly string[];
  /** What this process offers: tasks that require other labels are left to others. Default: as configured, else none. */
  readonly labels?: readonly string[];
  /** Only tasks of this session. Default: of any active one. */
  readonly session?: SessionId;
  /** Stops at the next step boundaries; what ran returns to the queue. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: WorkerEvent) => void;
}

export async function libraryWork(project: Project, options: WorkOptions, closing: AbortSignal): Promise<void> {
  const executors = chosenExecutors(await project.loadExecutors(), options.executors);
  const { worker: config } = project.config;
  const labels = parseLabels("The labels of this worker", options.labels ?? config.labels);
  await applyLimitRules(project);
  const settler = createSessionSettler(project);
  const checkpointer = createCheckpointer(project);
  const worker = createWorker(project, {
    executors: () => executors,
    labels,
    concurrency: options.concurrency ?? config.concurrency,
    sessionId: options.session ?? null,
    leaseMs: config.leaseMs,
    heartbeatMs: config.heartbeatMs,
    graceMs: GRACE_MS,
    onEvent(event) {
      if (event.kind === "started") checkpointer.taskStarted(event.claimed.task.sessionId);
      if (event.kind === "ended") {
        settler.touch(event.claimed.task.sessionId);
        checkpointer.taskEnded(event.claimed.task.sessionId);
      }
      options.onEvent?.(event);
    },
  });
  const stop = options.signal === undefined ? closing : AbortSignal.any([options.signal, closing]);
  await worker.start();
  const stopCleanup = startMemoryCleanup(project, project.config.workingMemory.cleanupIntervalMs);
  let isSound = false;
  try {
    await workUntil({ worker, settler, stop, isUntilIdle: options.until === "idle" });
    isSound = true;
  } finally {
    stopCleanup();
    await worker.stop();
    await checkpointer.finish();
    if (isSound) await settler.settle();
    await settler.stop();
  }
}

interface WorkUntil {
  readonly worker: Worker;
  readonly settler: SessionSettler;
  readonly stop: AbortSignal;
  readonly isUntilIdle: boolean;
}

async function workUntil({ worker, settler, stop, isUntilIdle }: WorkUntil): Promise<void> {
  const stopped = whenAborted(stop);
  for (let version = 0; !stop.aborted;) {
    const idle = await Promise.race([worker.nextIdle(version), stopped]);
    if (idle === null) return;
    version = idle.version;
    if (!isUntilIdle) continue;
    await settler.settle();
    if (!idle.isMoreComing) return;
  }
}

function whenAborted(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(null);
    else signal.addEventListener("abort", () => resolve(null), { once: true });
  });
}
