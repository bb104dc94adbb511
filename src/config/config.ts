/**
 * The configuration of a project, as the program uses it: complete, in program units. What the file may say is in
 * file-schema.ts; how that becomes this is in file-to-config.ts.
 */

import { LIMITS } from "../domain/limits.ts";
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
  /** Modules that register function executors, relative to the project. */
  readonly executors: readonly string[];
  readonly worker: WorkerConfig;
  /** For tasks that say nothing else. */
  readonly retry: RetryConfig;
  readonly limits: {
    /** Per session. */
    readonly unfinishedTasks: number;
  };
  readonly queue: {
    /** Without it, tasks run in order of `runAt` alone. */
    readonly priorityScheduling: boolean;
    readonly persistence: boolean;
  };
  readonly checkpoint: { readonly everyTasks: number; readonly everyMs: number };
  readonly workingMemory: WorkingMemoryConfig;
  readonly context: {
    /** The share of a model's window, 0–1, at which older messages are summarized. */
    readonly threshold: number;
  };
  readonly sandbox: { readonly memoryBytes: number; readonly cpuMs: number; readonly wallMs: number };
  readonly agents: readonly AgentConfig[];
}

export interface WorkerConfig {
  /** Tasks one worker runs side by side. */
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly heartbeatMs: number;
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
  /** Per session, as the sizes are. */
  readonly maxEntries: number;
  readonly maxSizeBytes: number;
  readonly defaultTtlMs: number;
  readonly cleanupIntervalMs: number;
  readonly summaryStrategy: SummaryStrategy;
  readonly maxSummaryTokens: number;
}

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
const MIB = 1 << 20;

/** What holds where the file says nothing (design.md, section 5). */
export const DEFAULT_CONFIG: Config = {
  file: null,
  supervisor: { name: null, model: null },
  session: { enabled: true },
  store: { backend: "sqlite", durability: "full", path: null, url: null },
  executors: [],
  worker: {
    concurrency: 3,
    leaseMs: 30_000,
    heartbeatMs: 10_000,
    commandTimeoutMs: null,
    outputLimitBytes: LIMITS.outputBytes,
  },
  retry: { maxRetries: DEFAULT_MAX_RETRIES, policy: DEFAULT_RETRY_POLICY },
  limits: { unfinishedTasks: LIMITS.unfinishedTasks },
  queue: { priorityScheduling: true, persistence: true },
  checkpoint: { everyTasks: 5, everyMs: 5 * MINUTE_MS },
  workingMemory: {
    backend: "memory",
    maxEntries: 1_000,
    maxSizeBytes: 100 * MIB,
    defaultTtlMs: 24 * HOUR_MS,
    cleanupIntervalMs: HOUR_MS,
    summaryStrategy: "important",
    maxSummaryTokens: 2_000,
  },
  context: { threshold: 0.8 },
  sandbox: { memoryBytes: 128 * MIB, cpuMs: 30_000, wallMs: MINUTE_MS },
  agents: [],
};

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
