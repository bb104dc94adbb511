/**
 * Perdure keeps AI agents going: durable tasks, steps and sessions that continue exactly where they stopped.
 *
 * Start with `openPerdure`.
 */

export type { ExecutorDefiner } from "./app/load-executors.ts";
export type { Messages } from "./app/library-messages.ts";
export type { CreateSession, ListSessionsFilter, Page, Sessions, SessionTransfer } from "./app/library-sessions.ts";
export type { ForgottenFact, RecallOptions, Facts, RememberOptions, FactFilter } from "./app/library-facts.ts";
export type { Memory } from "./app/library-memory.ts";
export type { CheckpointOptions, Checkpoints, RestoredCheckpoint, RestoreOptions } from "./app/library-checkpoints.ts";
export type { Replication, RestoredProject, RestoreProjectOptions } from "./app/library-replication.ts";
export { restoreProject } from "./app/library-replication.ts";
export type { CreateTask, TaskFilter, Tasks } from "./app/library-tasks.ts";
export type { WorkOptions } from "./app/library-work.ts";
export type { BriefOptions, DefineOptions, OpenPerdureOptions, Perdure, TaskKind } from "./app/perdure.ts";
export { openPerdure } from "./app/perdure.ts";
export type { Clock, Millis } from "./base/clock.ts";
export type { ErrorCode } from "./base/errors.ts";
export { isPerdureError, PerdureError } from "./base/errors.ts";
export type { Json, JsonObject } from "./base/json.ts";
export type { Random } from "./base/random.ts";
export type { StandardSchemaV1 } from "./base/standard-schema.ts";
export type { Durability } from "./config/config.ts";
export type { Change } from "./domain/change.ts";
export type { Checkpoint, CheckpointKind, RepeatedEffect } from "./domain/checkpoint.ts";
export type { EnvironmentDifference, EnvironmentFingerprint } from "./domain/environment.ts";
export type { Execution, ExecutionStatus } from "./domain/execution.ts";
export type { Fact, FactKind, FactStatus } from "./domain/fact.ts";
export type { CheckpointId, ExecutionId, SessionId, TaskId } from "./domain/ids.ts";
export type { Lease } from "./domain/lease.ts";
export type { Message, MessageRole, MessageTotals } from "./domain/message.ts";
export type { GoneEntry, MemoryEntry, StoredMemory } from "./domain/memory-entry.ts";
export type { Milestone, Progress } from "./domain/progress.ts";
export type { Project } from "./domain/project.ts";
export type { RetryPolicy } from "./domain/retry-policy.ts";
export { NonRetryable, RetryAfter } from "./domain/retry-policy.ts";
export type { CatchUp, Overlap, Schedule } from "./domain/schedule.ts";
export type { Session, SessionStatus } from "./domain/session.ts";
export type { Step, StepKind, StepStatus } from "./domain/step.ts";
export type { BlockedReason, DependencyFailurePolicy, Task, TaskDetail, TaskError, TaskStatus } from "./domain/task.ts";
export type { Rate } from "./domain/rate.ts";
export type { TaskLimit } from "./domain/task-limit.ts";
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
export type { TaskLimitInput } from "./engine/task-limit-input.ts";
export type { Idle } from "./engine/worker.ts";
export type { WorkerEvent } from "./engine/worker-options.ts";
export type { MessageContent } from "./operations/message-add.ts";
export type { SinkReport } from "./replication/sink-report.ts";
export type { ResumeKind, ResumePoint, ResumeTask } from "./store/commands/resume-point.ts";
export type { SessionStatistics } from "./store/commands/session-statistics.ts";
export type { Resumed } from "./store/commands/sessions.ts";
export type { Brief } from "./operations/brief.ts";
export type { Embedder } from "./memory/embedder.ts";
export type { Recalled } from "./memory/recall.ts";
export type { MemorySummary, SummaryStrategy } from "./memory/summary.ts";
export type { ListMemoryOptions, MemorySummaryOptions, StoreOptions, WorkingMemory } from "./memory/working-memory.ts";
export type { FactImport } from "./store/commands/fact-import.ts";
export type { FactEvent, FactPage } from "./store/commands/fact-queries.ts";
export type { Remembered } from "./store/commands/facts.ts";
export type { MemoryPage } from "./store/commands/memory-queries.ts";
export type { SessionOverview } from "./store/commands/session-overview.ts";
