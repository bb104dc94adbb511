/**
 * Perdure keeps AI agents going: durable tasks, steps and sessions that continue exactly where they stopped.
 *
 * Start with `openPerdure`.
 */

export type { ExecutorDefiner } from "./app/load-executors.ts";
export type { CreateSession, Sessions } from "./app/library-sessions.ts";
export type { CreateTask, TaskFilter, Tasks } from "./app/library-tasks.ts";
export type { WorkOptions } from "./app/library-work.ts";
export type { DefineOptions, OpenPerdureOptions, Perdure, TaskKind } from "./app/perdure.ts";
export { openPerdure } from "./app/perdure.ts";
export type { Clock, Millis } from "./base/clock.ts";
export type { ErrorCode } from "./base/errors.ts";
export { isPerdureError, PerdureError } from "./base/errors.ts";
export type { Json, JsonObject } from "./base/json.ts";
export type { Random } from "./base/random.ts";
export type { StandardSchemaV1 } from "./base/standard-schema.ts";
export type { Durability } from "./config/config.ts";
export type { Change } from "./domain/change.ts";
export type { Checkpoint } from "./domain/checkpoint.ts";
export type { Execution, ExecutionStatus } from "./domain/execution.ts";
export type { Fact, FactKind } from "./domain/fact.ts";
export type { ExecutionId, SessionId, TaskId } from "./domain/ids.ts";
export type { Lease } from "./domain/lease.ts";
export type { MemoryEntry } from "./domain/memory-entry.ts";
export type { Message, MessageRole } from "./domain/message.ts";
export type { Milestone, Progress } from "./domain/progress.ts";
export type { Project } from "./domain/project.ts";
export type { RetryPolicy } from "./domain/retry-policy.ts";
export { NonRetryable, RetryAfter } from "./domain/retry-policy.ts";
export type { CatchUp, Overlap, Schedule } from "./domain/schedule.ts";
export type { Session, SessionStatus } from "./domain/session.ts";
export type { Step, StepKind, StepStatus } from "./domain/step.ts";
export type { BlockedReason, DependencyFailurePolicy, Task, TaskDetail, TaskError, TaskStatus } from "./domain/task.ts";
export type { Host } from "./engine/host.ts";
export type {
  ApprovalAnswer,
  ArtifactInput,
  ChildTaskInput,
  ProgressUpdate,
  Run,
  StepContext,
  StepOptions,
  StepVerdict,
  StopReason,
} from "./engine/run.ts";
export type { Idle, WorkerEvent } from "./engine/worker.ts";
export type { SessionOverview } from "./store/commands/session-overview.ts";
