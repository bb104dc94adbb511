/** Builders for the tests of executors: a task, a run that remembers what it was told, a ledger in memory. */

import { readFile, rm } from "node:fs/promises";

import type { Json } from "../../base/json.ts";
import { asId, type ExecutionId } from "../../domain/ids.ts";
import { DEFAULT_RETRY_POLICY } from "../../domain/retry-policy.ts";
import type { Task } from "../../domain/task.ts";
import type { ProcessLedger, RecordedProcess } from "../../engine/process-ledger.ts";
import type { ProgressUpdate, Run, StepOptions } from "../../engine/run.ts";

function aTask(overrides: Partial<Task> = {}): Task {
  return {
    id: asId("task-1"),
    key: null,
    projectId: asId("project-1"),
    sessionId: asId("session-1"),
    parentId: null,
    title: "A task",
    description: null,
    executor: "command",
    input: null,
    kind: "command",
    status: "in_progress",
    blockedReason: null,
    blockedNote: null,
    priority: 5,
    weight: 1,
    onDependencyFailure: "block",
    context: {},
    maxRetries: 3,
    retry: DEFAULT_RETRY_POLICY,
    timeoutMs: null,
    schedule: null,
    overlap: "skip",
    catchUp: "last",
    labels: [],
    limit: null,
    runAt: 0,
    executionId: asId("execution-1"),
    scheduledFor: null,
    missedUntil: null,
    source: null,
    createdAt: 0,
    updatedAt: 0,
    startedAt: null,
    completedAt: null,
    ...overrides,
  };
}

export interface RecordingRun extends Run {
  readonly artifacts: Map<string, Buffer>;
  readonly progressUpdates: ProgressUpdate[];
  readonly logLines: string[];
  readonly steps: { readonly name: string; readonly options: StepOptions<unknown> }[];
}

export interface ARun {
  readonly input?: Json;
  readonly task?: Partial<Task>;
  readonly executionId?: string;
  readonly attempt?: number;
  readonly signal?: AbortSignal;
  /** What a step whose outcome nobody recorded looks like: `verify` is asked before it runs. */
  readonly hasUnknownStep?: boolean;
  readonly artifact?: Run["artifact"];
}

export function aRun(options: ARun = {}): RecordingRun {
  const signal = options.signal ?? new AbortController().signal;
  const task = aTask({ input: options.input ?? null, ...options.task });
  const run: RecordingRun = {
    artifacts: new Map(),
    progressUpdates: [],
    logLines: [],
    steps: [],
    task,
    taskId: task.id,
    executionId: asId(options.executionId ?? "execution-1"),
    attempt: options.attempt ?? 1,
    idempotencyKey: "idempotency-1",
    signal,
    async step(name, perform, stepOptions = {}) {
      run.steps.push({ name, options: stepOptions as StepOptions<unknown> });
      const context = { idempotencyKey: "idempotency-1", signal };
      if (options.hasUnknownStep && stepOptions.verify) {
        const verdict = await stepOptions.verify(context);
        if (verdict.done) return verdict.result;
      }
      return perform(context);
    },
    progress: (update) => void run.progressUpdates.push(update),
    log: async (message) => void run.logLines.push(message),
    artifact:
      options.artifact ??
      (async ({ name, content }) => {
        const isMoved = typeof content === "object" && "movedFrom" in content;
        run.artifacts.set(name, isMoved ? await readFile(content.movedFrom) : Buffer.from(content));
        if (isMoved) await rm(content.movedFrom);
      }),
    sleep: unexpected,
    waitFor: unexpected,
    approval: unexpected,
    child: unexpected,
    children: unexpected,
    resultOf: unexpected,
  };
  return run;
}

async function unexpected(): Promise<never> {
  throw new Error("The test did not expect this");
}

export function memoryLedger(): ProcessLedger {
  const records = new Map<ExecutionId, RecordedProcess[]>();
  const listed = (id: ExecutionId): RecordedProcess[] => records.get(id) ?? [];
  return {
    record: async (id, process) => void records.set(id, [...listed(id), process]),
    list: async (id) => listed(id),
    forget: async (id, pid) =>
      void records.set(
        id,
        listed(id).filter((record) => record.pid !== pid),
      ),
  };
}
