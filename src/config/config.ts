/**
 * The configuration of a project, as the program uses it: complete, in program units. What the file may say is in
 * file-schema.ts; how that becomes this is in file-to-config.ts.
 */

import { LIMITS } from "../domain/limits.ts";
import type { LimitRule } from "../domain/task-limit.ts";
import { DEFAULT_MAX_RETRIES, DEFAULT_RETRY_POLICY, type RetryPolicy } from "../domain/retry-policy.ts";

export const STORE_BACKENDS = ["sqlite", "jsonl", "postgres"] as const;
export type StoreBackend = (typeof STORE_BACKENDS)[number];

/** `full` survives power loss; `normal` survives a crash of the process, and is faster. */
export const DURABILITIES = ["full", "normal"] as const;
export type Durability = (typeof DURABILITIES)[number];

/** `memory` keeps entries in the session's store. */
export const MEMORY_BACKENDS = ["memory", "redis"] as const;
export type MemoryBackend = (typeof MEMORY_BACKENDS)[number];

export const SUMMARY_STRATEGIES = ["recent", "important", "semantic"] as const;
export type SummaryStrategy = (typeof SUMMARY_STRATEGIES)[number];

/** Where the change log is replicated to. */
export const SINK_KINDS = ["jsonl", "redis", "firestore"] as const;

export const WORKSPACE_MODES = ["off", "manual", "all"] as const;
export type WorkspaceMode = (typeof WORKSPACE_MODES)[number];

export const AGENT_ROLES = ["planner", "react"] as const;
export type AgentRole = (typeof AGENT_ROLES)[number];

export const PLANNING_STRATEGIES = ["chain_of_thought"] as const;
export type PlanningStrategy = (typeof PLANNING_STRATEGIES)[number];

export interface Config {
  /** The file it was read from; `null` when there is none. */
  readonly file: string | null;
  readonly supervisor: {
    readonly name: string | null;
    /** What agents use that name no model. */
    readonly model: string | null;
  };
  readonly session: { readonly enabled: boolean };
  /** Every backend is valid here, also one this program cannot open; refusing is up to whoever opens the store. */
  readonly store: {
    readonly backend: StoreBackend;
    readonly durability: Durability;
    /** Where the store's files lie, relative to the project; `null` is `.perdure/`. */
    readonly path: string | null;
    /** May hold a password: never shown. */
    readonly url: string | null;
  };
  /** The change log as files, and what is told beside it of where the work stands. */
  readonly journal: { readonly enabled: boolean };
  /** Modules that register function executors, relative to the project. */
  readonly executors: readonly string[];
  readonly worker: WorkerConfig;
  /** For tasks that say nothing else. */
  readonly retry: RetryConfig;
  readonly limits: {
    /** Per session. */
    readonly unfinishedTasks: number;
    /** On what runs at once and how often it starts, over all workers of the store. `null` leaves those the store has. */
    readonly tasks: readonly LimitRule[] | null;
  };
  readonly queue: {
    /** Without it, tasks run in order of `runAt` alone. */
    readonly priorityScheduling: boolean;
    readonly persistence: boolean;
  };
  readonly checkpoint: { readonly everyTasks: number; readonly everyMs: number };
  readonly workspace: WorkspaceConfig;
  readonly workingMemory: WorkingMemoryConfig;
  readonly retention: RetentionConfig;
  /** Copies of the change log that are kept elsewhere. */
  readonly replication: readonly SinkConfig[];
  readonly context: {
    /** The share of a model's window, 0–1, at which older messages are summarized. */
    readonly threshold: number;
  };
  readonly sandbox: { readonly memoryBytes: number; readonly cpuMs: number; readonly wallMs: number };
  readonly agents: readonly AgentConfig[];
}

/** Of snapshots of the project's files. */
export interface WorkspaceConfig {
  /** Which checkpoints hold one: none unless asked, those made by hand, or all. */
  readonly mode: WorkspaceMode;
  readonly maxFiles: number;
  readonly maxFileBytes: number;
  readonly maxTotalBytes: number;
}

export interface WorkerConfig {
  /** Tasks one worker runs side by side. */
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  /** What this machine offers to tasks that require labels. In order, each once. */
  readonly labels: readonly string[];
  /** How long a worker that is told to end lets what runs go on. */
  readonly drainMs: number;
  /** For one attempt of a command that says nothing else; `null` is no limit. */
  readonly commandTimeoutMs: number | null;
  /** Of a command's output; its middle is left out beyond. */
  readonly outputLimitBytes: number;
}

export interface RetryConfig {
  readonly maxRetries: number;
  readonly policy: RetryPolicy;
}

export interface WorkingMemoryConfig {
  readonly backend: MemoryBackend;
  /** May hold a password: never shown. `null` leaves it to the environment. */
  readonly redisUrl: string | null;
  /** Per session, as the sizes are. */
  readonly maxEntries: number;
  readonly maxSizeBytes: number;
  readonly defaultTtlMs: number;
  readonly cleanupIntervalMs: number;
  readonly summaryStrategy: SummaryStrategy;
  readonly maxSummaryTokens: number;
}

/** What a cleanup leaves. Of two bounds on one thing, both must be exceeded. `null` keeps for ever. */
export interface RetentionConfig {
  /** Whether workers clean up, and how often at most. */
  readonly isAutomatic: boolean;
  readonly everyMs: number;
  /** Of each recurring task, beside all that are younger. */
  readonly executions: number;
  readonly executionsMs: number;
  /** Automatic ones of each session, beside all that are younger. */
  readonly checkpoints: number;
  readonly checkpointsMs: number;
  /** Since a session was completed or cancelled. */
  readonly sessionsMs: number | null;
  /** In the database; the mirror keeps everything. */
  readonly logMs: number | null;
  /** Damaged files that were set aside. */
  readonly damagedMs: number;
}

export type SinkConfig = {
  /** Larger artifacts are left out of it; values of the log never are. */
  readonly maxArtifactBytes: number;
} & (
  | { readonly sink: "jsonl"; /** Relative to the project. */ readonly path: string }
  | {
      readonly sink: "redis";
      /** May hold a password: never shown. `null` leaves it to the environment. */
      readonly url: string | null;
      readonly stream: string;
    }
  | { readonly sink: "firestore"; readonly project: string; readonly collection: string }
);

export interface AgentConfig {
  readonly name: string;
  readonly role: AgentRole;
  /** Its own or the supervisor's. */
  readonly model: string | null;
  readonly prompt: string | null;
  /** Names of the agents it takes work from and hands work to. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** `null` for one that does not plan. */
  readonly planner: PlannerConfig | null;
  /** Tasks it carries out side by side; `null` when it says nothing. */
  readonly maxConcurrent: number | null;
  /** For its tasks: its own policy over the general one. */
  readonly retry: RetryConfig;
  readonly progressReporting: { readonly enabled: boolean; readonly intervalMs: number };
}

export interface PlannerConfig {
  readonly strategy: PlanningStrategy;
  readonly maxSteps: number;
  readonly backtracking: boolean;
  readonly selfCritique: boolean;
  readonly taskContinuation: {
    readonly enabled: boolean;
    readonly autoCheckpoint: boolean;
    readonly checkpointIntervalMs: number;
    readonly resumeOnRestart: boolean;
  };
  readonly progressTracking: {
    readonly enabled: boolean;
    readonly updateIntervalMs: number;
    readonly milestones: boolean;
  };
  readonly workingMemory: {
    readonly enabled: boolean;
    readonly contextTokens: number;
    readonly includeArtifacts: boolean;
  };
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const MIB = 1 << 20;

/** What holds where the file says nothing (design.md, section 5). */
export const DEFAULT_CONFIG: Config = {
  file: null,
  supervisor: { name: null, model: null },
  session: { enabled: true },
  store: { backend: "sqlite", durability: "full", path: null, url: null },
  journal: { enabled: true },
  executors: [],
  worker: {
    concurrency: 3,
    leaseMs: 30_000,
    heartbeatMs: 10_000,
    labels: [],
    drainMs: 20_000,
    commandTimeoutMs: null,
    outputLimitBytes: LIMITS.outputBytes,
  },
  retry: { maxRetries: DEFAULT_MAX_RETRIES, policy: DEFAULT_RETRY_POLICY },
  limits: { unfinishedTasks: LIMITS.unfinishedTasks, tasks: null },
  queue: { priorityScheduling: true, persistence: true },
  checkpoint: { everyTasks: 5, everyMs: 5 * MINUTE_MS },
  workspace: { mode: "off", maxFiles: 20_000, maxFileBytes: 50 * MIB, maxTotalBytes: 1_024 * MIB },
  workingMemory: {
    backend: "memory",
    redisUrl: null,
    maxEntries: 1_000,
    maxSizeBytes: 100 * MIB,
    defaultTtlMs: 24 * HOUR_MS,
    cleanupIntervalMs: HOUR_MS,
    summaryStrategy: "important",
    maxSummaryTokens: 2_000,
  },
  retention: {
    isAutomatic: true,
    everyMs: DAY_MS,
    executions: 100,
    executionsMs: 30 * DAY_MS,
    checkpoints: 100,
    checkpointsMs: 30 * DAY_MS,
    sessionsMs: null,
    logMs: null,
    damagedMs: 30 * DAY_MS,
  },
  replication: [],
  context: { threshold: 0.8 },
  sandbox: { memoryBytes: 128 * MIB, cpuMs: 30_000, wallMs: MINUTE_MS },
  agents: [],
};

/** Of a sink that says nothing else. */
export const DEFAULT_MAX_ARTIFACT_BYTES = 64 * MIB;

/** What holds for an agent that plans, where it says nothing. */
export const DEFAULT_PLANNER: PlannerConfig = {
  strategy: "chain_of_thought",
  maxSteps: 20,
  backtracking: true,
  selfCritique: true,
  taskContinuation: {
    enabled: true,
    autoCheckpoint: true,
    checkpointIntervalMs: 10 * MINUTE_MS,
    resumeOnRestart: true,
  },
  progressTracking: { enabled: true, updateIntervalMs: 30_000, milestones: true },
  workingMemory: { enabled: true, contextTokens: 2_000, includeArtifacts: true },
};

export const DEFAULT_PROGRESS_REPORTING: AgentConfig["progressReporting"] = { enabled: true, intervalMs: 10_000 };
