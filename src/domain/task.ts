/** A task: a unit of work, its states and the pure rules about them. */

import type { Millis } from "../base/clock.ts";
import type { Json, JsonObject } from "../base/json.ts";
import type { ExecutionId, ProjectId, SessionId, TaskId } from "./ids.ts";
import type { Progress } from "./progress.ts";
import type { RetryPolicy } from "./retry-policy.ts";
import type { CatchUp, Overlap, Schedule } from "./schedule.ts";
import type { StateMachine } from "./state-machine.ts";
import type { TaskLimit } from "./task-limit.ts";

export const TASK_STATUSES = ["pending", "blocked", "in_progress", "completed", "failed", "cancelled"] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

export const BLOCKED_REASONS = [
  "dependencies",
  "dependency_failed",
  "interrupted",
  "waiting",
  "unknown_outcome",
  "budget",
] as const;
export type BlockedReason = (typeof BLOCKED_REASONS)[number];

/** What happens to a task when something it depends on fails or is cancelled. */
export const DEPENDENCY_FAILURE_POLICIES = ["block", "cancel", "run"] as const;
export type DependencyFailurePolicy = (typeof DEPENDENCY_FAILURE_POLICIES)[number];

/** The executor of a task that only gathers others: it completes when all of them have. */
export const GROUP_EXECUTOR = "group";
/** The executor of a task that a person or an outside agent carries out. */
export const MANUAL_EXECUTOR = "manual";
/** The executor of a task that is a shell line. */
export const COMMAND_EXECUTOR = "command";

/** Where in a plan's file a task was read from. */
export interface TaskSource {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
}

export interface TaskError {
  readonly code: string;
  readonly message: string;
  readonly stack?: string | undefined;
}

export interface Task {
  readonly id: TaskId;
  /** Its name within its plan, such as `build`, `1.4` or `T012`; unique in the session. */
  readonly key: string | null;
  readonly projectId: ProjectId;
  readonly sessionId: SessionId;
  readonly parentId: TaskId | null;
  readonly title: string;
  readonly description: string | null;
  readonly executor: string;
  /** What the executor gets. */
  readonly input: Json;
  /** What its durations are compared with: the executor and, for commands, the line. */
  readonly kind: string;
  readonly status: TaskStatus;
  readonly blockedReason: BlockedReason | null;
  /** The particulars of a block: the question asked, the signal waited for, the note of whoever blocked it. */
  readonly blockedNote: string | null;
  /** 1–10, higher is more urgent. */
  readonly priority: number;
  /** Its share in its parent's and session's progress; 1 by default. */
  readonly weight: number;
  readonly onDependencyFailure: DependencyFailurePolicy;
  readonly context: JsonObject;
  readonly maxRetries: number;
  readonly retry: RetryPolicy;
  /** For one attempt; `null` is no limit. */
  readonly timeoutMs: number | null;
  readonly schedule: Schedule | null;
  readonly overlap: Overlap;
  readonly catchUp: CatchUp;
  /** The instant the occurrence to come is scheduled for; `null` without a schedule. */
  readonly scheduledFor: Millis | null;
  /** While missed occurrences are worked off: the instant up to which they were missed. */
  readonly missedUntil: Millis | null;
  /** Not claimed before this. */
  readonly runAt: Millis;
  /** A worker must have all of them to run it. In order, each once. */
  readonly labels: readonly string[];
  /** What it shares with other tasks of the same key. */
  readonly limit: TaskLimit | null;
  /** The newest execution. */
  readonly executionId: ExecutionId | null;
  readonly source: TaskSource | null;
  readonly createdAt: Millis;
  readonly updatedAt: Millis;
  readonly startedAt: Millis | null;
  readonly completedAt: Millis | null;
}

/** A task with what belongs to it in other tables. */
export interface TaskDetail extends Task {
  readonly dependencies: readonly TaskId[];
  /** What it comes after beyond those, because something between them was done before its turn. */
  readonly comesAfter: readonly TaskId[];
  readonly artifacts: readonly string[];
  readonly progress: Progress;
  readonly result: Json;
  readonly lastError: TaskError | null;
  readonly retryCount: number;
}

export type TaskVerb =
  | "claim"
  | "complete"
  | "complete_group"
  | "fail"
  | "retry"
  | "cancel"
  | "block"
  | "unblock"
  | "await_dependencies"
  | "release"
  | "reopen"
  | "await_next_occurrence";

export const taskMachine: StateMachine<TaskStatus, TaskVerb> = {
  noun: "task",
  transitions: {
    claim: { from: ["pending"], to: "in_progress" },
    complete: { from: ["pending", "blocked", "in_progress"], to: "completed" },
    /** A group that is opened again with nothing left to do in it. */
    complete_group: { from: ["failed", "cancelled"], to: "completed" },
    fail: { from: ["pending", "blocked", "in_progress"], to: "failed" },
    /** By a person: it is tried again from its journal. */
    retry: { from: ["failed", "cancelled", "blocked"], to: "pending" },
    cancel: { from: ["pending", "blocked", "in_progress", "failed"], to: "cancelled" },
    block: { from: ["pending", "blocked", "in_progress"], to: "blocked" },
    unblock: { from: ["blocked"], to: "pending" },
    /** Tried again, or opened again, while something it depends on is not done. */
    await_dependencies: { from: ["failed", "cancelled"], to: "blocked" },
    /** Back to the queue: a retry to come, a sleep, a lost worker. */
    release: { from: ["in_progress"], to: "pending" },
    /** A group that had completed gets a new part, or a part of it is tried again. */
    reopen: { from: ["completed"], to: "blocked" },
    /** A recurring task after an occurrence. */
    await_next_occurrence: { from: ["in_progress", "pending", "blocked", "failed"], to: "pending" },
  },
};

const TERMINAL: ReadonlySet<TaskStatus> = new Set(["completed", "failed", "cancelled"]);

export function isTerminalTask(status: TaskStatus): boolean {
  return TERMINAL.has(status);
}
