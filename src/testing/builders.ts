/** What tests hand to the store: complete inputs of which a test names only what it is about. */

import type { EnvironmentFingerprint } from "../domain/environment.ts";
import { asId } from "../domain/ids.ts";
import type { WorkerId } from "../domain/ids.ts";
import { LIMITS } from "../domain/limits.ts";
import { DEFAULT_MAX_RETRIES, DEFAULT_RETRY_POLICY } from "../domain/retry-policy.ts";
import type { NewSession } from "../store/commands/sessions.ts";
import type { RegisterWorker } from "../store/commands/workers.ts";
import type { NewTask } from "../store/new-task.ts";

/** A task by its `ref`, which is also its key and title unless those are given. */
export type TaskSketch = Partial<NewTask> & { readonly ref: string };

export function aTask(sketch: TaskSketch): NewTask {
  return {
    key: sketch.ref,
    parent: null,
    needs: [],
    needsByPlace: [],
    title: sketch.ref,
    description: null,
    executor: "function",
    input: null,
    kind: "function",
    priority: 5,
    weight: 1,
    maxRetries: DEFAULT_MAX_RETRIES,
    retry: DEFAULT_RETRY_POLICY,
    timeoutMs: null,
    onDependencyFailure: "block",
    schedule: null,
    overlap: "skip",
    catchUp: "last",
    scheduledFor: null,
    runAt: null,
    labels: [],
    limit: null,
    context: {},
    status: "pending",
    completedAt: null,
    source: null,
    ...sketch,
  };
}

export function aSession(sketch: Partial<NewSession> = {}): NewSession {
  return {
    name: "test",
    goal: null,
    planFile: null,
    planFingerprint: null,
    concurrency: null,
    maxUnfinished: LIMITS.unfinishedTasks,
    metadata: {},
    status: "active",
    ...sketch,
  };
}

export function aWorker(id: string, sketch: Partial<RegisterWorker> = {}): RegisterWorker {
  return {
    id: asId<WorkerId>(id),
    host: "test-host",
    pid: 1,
    startToken: "1",
    label: `worker ${id}`,
    leaseMs: 30_000,
    ...sketch,
  };
}

export function anEnvironment(sketch: Partial<EnvironmentFingerprint> = {}): EnvironmentFingerprint {
  return {
    perdureVersion: "0.1.0",
    schemaVersion: 4,
    nodeVersion: "24.0.0",
    platform: "linux-x64",
    gitCommit: null,
    isGitDirty: false,
    configHash: "none",
    changedFiles: [],
    ...sketch,
  };
}
