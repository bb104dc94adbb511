/**
 * Turns what the file says into the configuration.
 *
 * Where two places speak of one thing, the section of its own wins over the supervisor's and the agents', setting by
 * setting; of several agents the first that says it counts:
 *
 * | program                      | section of its own        | supervisor or agent                                        |
 * |------------------------------|---------------------------|------------------------------------------------------------|
 * | `store.backend`              | `store.url`, `.backend`   | `supervisor.session.backend`                               |
 * | `store.path`                 | `store.path`              | `supervisor.session.storage_path`                          |
 * | `limits.unfinishedTasks`     | `limits.unfinished_tasks` | `supervisor.session.task_queue.max_queue_size`             |
 * | `checkpoint.everyMs`         | `checkpoint.every`        | `supervisor.session.task_queue.checkpoint_interval`        |
 * | `worker.concurrency`         | `worker.concurrency`      | `agents[].task_execution.max_concurrent`                   |
 * | `retry`                      | `retry`                   | `agents[].task_execution.retry_policy`                     |
 */

import {
  DEFAULT_CONFIG as DEFAULTS,
  DEFAULT_MAX_ARTIFACT_BYTES,
  DEFAULT_PLANNER,
  DEFAULT_PROGRESS_REPORTING,
  type AgentConfig,
  type Config,
  type PlannerConfig,
  type RetentionConfig,
  type RetryConfig,
  type SinkConfig,
  type WorkerConfig,
  type WorkingMemoryConfig,
} from "./config.ts";
import { toLabelSet } from "../domain/labels.ts";
import type { LimitRule } from "../domain/task-limit.ts";
import { LIMIT_SUBJECTS } from "../domain/task-limit.ts";
import type { FileAgent, FileConfig, FileRetry, FileSink, FileTaskLimit } from "./file-schema.ts";

export function fileToConfig(file: FileConfig, name: string): Config {
  const session = file.supervisor?.session;
  const queue = session?.task_queue;
  const executions = (file.agents ?? []).flatMap((agent) => agent.task_execution ?? []);
  const retry = retryOver(
    retryOver(DEFAULTS.retry, executions.find((said) => said.retry_policy)?.retry_policy),
    file.retry,
  );
  const model = file.supervisor?.model ?? DEFAULTS.supervisor.model;
  return {
    file: name,
    supervisor: { name: file.supervisor?.name ?? DEFAULTS.supervisor.name, model },
    session: { enabled: session?.enabled ?? DEFAULTS.session.enabled },
    store: storeOf(file),
    journal: { enabled: file.journal?.enabled ?? DEFAULTS.journal.enabled },
    executors: file.executors ?? DEFAULTS.executors,
    worker: workerOf(file.worker, executions.find((said) => said.max_concurrent)?.max_concurrent),
    retry,
    limits: {
      unfinishedTasks: file.limits?.unfinished_tasks ?? queue?.max_queue_size ?? DEFAULTS.limits.unfinishedTasks,
      tasks: file.limits?.tasks?.map(limitRuleOf) ?? DEFAULTS.limits.tasks,
    },
    queue: {
      priorityScheduling: queue?.priority_scheduling ?? DEFAULTS.queue.priorityScheduling,
      persistence: queue?.persistence ?? DEFAULTS.queue.persistence,
    },
    checkpoint: {
      everyTasks: file.checkpoint?.every_tasks ?? DEFAULTS.checkpoint.everyTasks,
      everyMs: file.checkpoint?.every ?? queue?.checkpoint_interval ?? DEFAULTS.checkpoint.everyMs,
    },
    workspace: workspaceOf(file.checkpoint),
    workingMemory: workingMemoryOf(session?.working_memory),
    retention: retentionOf(file.retention),
    replication: (file.replication ?? []).map(sinkOf),
    context: { threshold: file.context?.threshold ?? DEFAULTS.context.threshold },
    sandbox: {
      memoryBytes: file.sandbox?.memory ?? DEFAULTS.sandbox.memoryBytes,
      cpuMs: file.sandbox?.cpu ?? DEFAULTS.sandbox.cpuMs,
      wallMs: file.sandbox?.wall ?? DEFAULTS.sandbox.wallMs,
    },
    agents: (file.agents ?? []).map((agent) => agentOf(agent, { model, retry })),
  };
}

function storeOf({ store, supervisor }: FileConfig): Config["store"] {
  const urlBackend = store?.url ? "postgres" : null;
  return {
    backend: urlBackend ?? store?.backend ?? supervisor?.session?.backend ?? DEFAULTS.store.backend,
    durability: store?.durability ?? DEFAULTS.store.durability,
    path: store?.path ?? supervisor?.session?.storage_path ?? DEFAULTS.store.path,
    url: store?.url ?? DEFAULTS.store.url,
  };
}

function workspaceOf(said: FileConfig["checkpoint"]): Config["workspace"] {
  const defaults = DEFAULTS.workspace;
  return {
    mode: said?.workspace ?? defaults.mode,
    maxFiles: said?.workspace_limits?.files ?? defaults.maxFiles,
    maxFileBytes: said?.workspace_limits?.file_size ?? defaults.maxFileBytes,
    maxTotalBytes: said?.workspace_limits?.total_size ?? defaults.maxTotalBytes,
  };
}

/** That one subject is said, and only one, was seen to before. */
function limitRuleOf({ match, concurrency, rate }: FileTaskLimit): LimitRule {
  const subject = LIMIT_SUBJECTS.find((each) => match[each]) ?? "key";
  return { subject, pattern: match[subject] ?? "", concurrency: concurrency ?? null, rate: rate ?? null };
}

function workerOf(said: FileConfig["worker"], maxConcurrent: number | null | undefined): WorkerConfig {
  const leaseMs = said?.lease ?? DEFAULTS.worker.leaseMs;
  return {
    concurrency: said?.concurrency ?? maxConcurrent ?? DEFAULTS.worker.concurrency,
    leaseMs,
    // A shorter lease that says nothing of the heartbeat gets one that keeps it, with two beats to spare.
    heartbeatMs: said?.heartbeat ?? Math.min(DEFAULTS.worker.heartbeatMs, Math.floor(leaseMs / 3)),
    labels: toLabelSet(said?.labels ?? DEFAULTS.worker.labels),
    drainMs: said?.drain ?? DEFAULTS.worker.drainMs,
    commandTimeoutMs: said?.command_timeout ?? DEFAULTS.worker.commandTimeoutMs,
    outputLimitBytes: said?.output_limit ?? DEFAULTS.worker.outputLimitBytes,
  };
}

function workingMemoryOf(
  said: NonNullable<NonNullable<FileConfig["supervisor"]>["session"]>["working_memory"],
): WorkingMemoryConfig {
  const defaults = DEFAULTS.workingMemory;
  return {
    backend: said?.backend ?? defaults.backend,
    redisUrl: said?.redis_url ?? defaults.redisUrl,
    maxEntries: said?.max_entries ?? defaults.maxEntries,
    maxSizeBytes: said?.max_size ?? defaults.maxSizeBytes,
    defaultTtlMs: said?.default_ttl ?? defaults.defaultTtlMs,
    cleanupIntervalMs: said?.cleanup_interval ?? defaults.cleanupIntervalMs,
    summaryStrategy: said?.summary_strategy ?? defaults.summaryStrategy,
    maxSummaryTokens: said?.max_summary_size ?? defaults.maxSummaryTokens,
  };
}

function retentionOf(said: FileConfig["retention"]): RetentionConfig {
  const defaults = DEFAULTS.retention;
  return {
    isAutomatic: said?.automatic ?? defaults.isAutomatic,
    everyMs: said?.every ?? defaults.everyMs,
    executions: said?.executions ?? defaults.executions,
    executionsMs: said?.executions_age ?? defaults.executionsMs,
    checkpoints: said?.checkpoints ?? defaults.checkpoints,
    checkpointsMs: said?.checkpoints_age ?? defaults.checkpointsMs,
    sessionsMs: said?.sessions_age ?? defaults.sessionsMs,
    logMs: said?.log_age ?? defaults.logMs,
    damagedMs: said?.damaged_age ?? defaults.damagedMs,
  };
}

/** What its kind cannot do without was found to be there. */
function sinkOf(said: FileSink): SinkConfig {
  const maxArtifactBytes = said.max_artifact ?? DEFAULT_MAX_ARTIFACT_BYTES;
  switch (said.sink) {
    case "jsonl":
      return { sink: said.sink, path: said.path ?? "", maxArtifactBytes };
    case "redis":
      return { sink: said.sink, url: said.url ?? null, stream: said.stream ?? "", maxArtifactBytes };
    case "firestore":
      return { sink: said.sink, project: said.project ?? "", collection: said.collection ?? "", maxArtifactBytes };
  }
}

function retryOver(base: RetryConfig, said: FileRetry | null | undefined): RetryConfig {
  const initialDelayMs = said?.initial_delay ?? base.policy.initialDelayMs;
  return {
    maxRetries: said?.max_retries ?? base.maxRetries,
    policy: {
      backoff: said?.backoff ?? base.policy.backoff,
      initialDelayMs,
      factor: said?.factor ?? base.policy.factor,
      // A first delay over the general cap lifts it; a cap that was said with it is checked to be no less.
      maxDelayMs: said?.max_delay ?? Math.max(base.policy.maxDelayMs, initialDelayMs),
    },
  };
}

function agentOf(
  said: FileAgent,
  general: { readonly model: string | null; readonly retry: RetryConfig },
): AgentConfig {
  const reporting = said.task_execution?.progress_reporting;
  const plans = said.role === "planner" || Boolean(said.planner_config);
  return {
    name: said.name,
    role: said.role,
    model: said.model ?? general.model,
    prompt: said.prompt ?? null,
    inputs: said.inputs ?? [],
    outputs: said.outputs ?? [],
    planner: plans ? plannerOf(said.planner_config) : null,
    maxConcurrent: said.task_execution?.max_concurrent ?? null,
    retry: retryOver(general.retry, said.task_execution?.retry_policy),
    progressReporting: {
      enabled: reporting?.enabled ?? DEFAULT_PROGRESS_REPORTING.enabled,
      intervalMs: reporting?.report_interval ?? DEFAULT_PROGRESS_REPORTING.intervalMs,
    },
  };
}

function plannerOf(said: FileAgent["planner_config"]): PlannerConfig {
  const { taskContinuation, progressTracking, workingMemory } = DEFAULT_PLANNER;
  return {
    strategy: said?.planning_strategy ?? DEFAULT_PLANNER.strategy,
    maxSteps: said?.max_steps ?? DEFAULT_PLANNER.maxSteps,
    backtracking: said?.enable_backtracking ?? DEFAULT_PLANNER.backtracking,
    selfCritique: said?.enable_self_critique ?? DEFAULT_PLANNER.selfCritique,
    taskContinuation: {
      enabled: said?.task_continuation?.enabled ?? taskContinuation.enabled,
      autoCheckpoint: said?.task_continuation?.auto_checkpoint ?? taskContinuation.autoCheckpoint,
      checkpointIntervalMs: said?.task_continuation?.checkpoint_interval ?? taskContinuation.checkpointIntervalMs,
      resumeOnRestart: said?.task_continuation?.resume_on_restart ?? taskContinuation.resumeOnRestart,
    },
    progressTracking: {
      enabled: said?.progress_tracking?.enabled ?? progressTracking.enabled,
      updateIntervalMs: said?.progress_tracking?.update_interval ?? progressTracking.updateIntervalMs,
      milestones: said?.progress_tracking?.milestone_tracking ?? progressTracking.milestones,
    },
    workingMemory: {
      enabled: said?.working_memory?.enabled ?? workingMemory.enabled,
      contextTokens: said?.working_memory?.context_size ?? workingMemory.contextTokens,
      includeArtifacts: said?.working_memory?.include_artifacts ?? workingMemory.includeArtifacts,
    },
  };
}
