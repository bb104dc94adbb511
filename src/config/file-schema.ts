/** What `perdure.yaml` may say (design.md, section 6, and the sections of its own beside it). Everything is optional. */

import * as v from "valibot";
import { LIMITS } from "../domain/limits.ts";
import {
  AGENT_ROLES,
  DURABILITIES,
  MEMORY_BACKENDS,
  PLANNING_STRATEGIES,
  SINK_KINDS,
  STORE_BACKENDS,
  SUMMARY_STRATEGIES,
  WORKSPACE_MODES,
} from "./config.ts";
import {
  decimal,
  duration,
  firestoreCollection,
  flag,
  label,
  list,
  mapping,
  oneOf,
  postgresUrl,
  rate,
  redisUrl,
  size,
  text,
  wholeNumber,
} from "./setting-schemas.ts";

/** Not said, or said with nothing after the colon. */
const optional = v.nullish;
const name = () => text(LIMITS.nameChars);
const concurrency = () => wholeNumber({ min: 1, max: LIMITS.concurrency });
const taskCount = () => wholeNumber({ min: 1, max: 1_000_000 });
const tokenCount = () => wholeNumber({ min: 1, max: 10_000_000 });

const RETRY = mapping({
  max_retries: optional(wholeNumber({ min: 0, max: LIMITS.maxRetries })),
  backoff: optional(oneOf(["exponential", "fixed"])),
  initial_delay: optional(duration("0s", "30d")),
  max_delay: optional(duration("0s", "30d")),
  factor: optional(decimal({ min: 1, max: 100 })),
});

const WORKING_MEMORY = mapping({
  max_entries: optional(wholeNumber({ min: 1, max: 10_000_000 })),
  max_size: optional(size("1kb", "1024gb")),
  default_ttl: optional(duration("1s")),
  cleanup_interval: optional(duration("1s", "30d")),
  backend: optional(oneOf(MEMORY_BACKENDS)),
  redis_url: optional(redisUrl()),
  summary_strategy: optional(oneOf(SUMMARY_STRATEGIES)),
  max_summary_size: optional(tokenCount()),
});

const TASK_QUEUE = mapping({
  max_queue_size: optional(taskCount()),
  priority_scheduling: optional(flag()),
  checkpoint_interval: optional(duration("1s", "365d")),
  persistence: optional(flag()),
});

const SUPERVISOR = mapping({
  name: optional(name()),
  model: optional(name()),
  session: optional(
    mapping({
      enabled: optional(flag()),
      backend: optional(oneOf(STORE_BACKENDS)),
      storage_path: optional(text()),
      working_memory: optional(WORKING_MEMORY),
      task_queue: optional(TASK_QUEUE),
    }),
  ),
});

const PLANNER = mapping({
  planning_strategy: optional(oneOf(PLANNING_STRATEGIES)),
  max_steps: optional(wholeNumber({ min: 1, max: 1_000 })),
  enable_backtracking: optional(flag()),
  enable_self_critique: optional(flag()),
  task_continuation: optional(
    mapping({
      enabled: optional(flag()),
      auto_checkpoint: optional(flag()),
      checkpoint_interval: optional(duration("1s", "365d")),
      resume_on_restart: optional(flag()),
    }),
  ),
  progress_tracking: optional(
    mapping({
      enabled: optional(flag()),
      update_interval: optional(duration("100ms", "1d")),
      milestone_tracking: optional(flag()),
    }),
  ),
  working_memory: optional(
    mapping({
      enabled: optional(flag()),
      context_size: optional(tokenCount()),
      include_artifacts: optional(flag()),
    }),
  ),
});

const AGENT = mapping({
  name: name(),
  role: oneOf(AGENT_ROLES),
  model: optional(name()),
  prompt: optional(text(1_000_000)),
  inputs: optional(list(name())),
  outputs: optional(list(name())),
  planner_config: optional(PLANNER),
  task_execution: optional(
    mapping({
      max_concurrent: optional(concurrency()),
      retry_policy: optional(RETRY),
      progress_reporting: optional(
        mapping({ enabled: optional(flag()), report_interval: optional(duration("100ms", "1d")) }),
      ),
    }),
  ),
});

const TASK_LIMIT = mapping({
  match: mapping({ executor: optional(name()), label: optional(label()), key: optional(text(LIMITS.keyChars)) }),
  concurrency: optional(wholeNumber({ min: 1, max: LIMITS.fleetConcurrency })),
  rate: optional(rate()),
});

/** What belongs to which kind is told by `contradictions.ts`. */
const SINK = mapping({
  sink: oneOf(SINK_KINDS),
  path: optional(text()),
  url: optional(redisUrl()),
  stream: optional(text(LIMITS.nameChars)),
  project: optional(text(LIMITS.nameChars)),
  collection: optional(firestoreCollection()),
  max_artifact: optional(size("0b", "16gb")),
});

export const FILE_SCHEMA = mapping({
  supervisor: optional(SUPERVISOR),
  agents: optional(list(AGENT)),
  store: optional(
    mapping({
      backend: optional(oneOf(STORE_BACKENDS)),
      durability: optional(oneOf(DURABILITIES)),
      path: optional(text()),
      url: optional(postgresUrl()),
    }),
  ),
  journal: optional(mapping({ enabled: optional(flag()) })),
  executors: optional(list(text())),
  worker: optional(
    mapping({
      concurrency: optional(concurrency()),
      lease: optional(duration("1s", "1d")),
      heartbeat: optional(duration("100ms", "12h")),
      labels: optional(list(label(), LIMITS.labels)),
      drain: optional(duration("0s", "1d")),
      command_timeout: optional(duration("1s", "365d")),
      output_limit: optional(size("1kb", "1gb")),
    }),
  ),
  retry: optional(RETRY),
  limits: optional(
    mapping({ unfinished_tasks: optional(taskCount()), tasks: optional(list(TASK_LIMIT, LIMITS.limitRules)) }),
  ),
  checkpoint: optional(
    mapping({
      every_tasks: optional(taskCount()),
      every: optional(duration("1s", "365d")),
      workspace: optional(oneOf(WORKSPACE_MODES)),
      workspace_limits: optional(
        mapping({
          files: optional(wholeNumber({ min: 1, max: 1_000_000 })),
          file_size: optional(size("1kb", "4gb")),
          total_size: optional(size("1kb", "64gb")),
        }),
      ),
    }),
  ),
  retention: optional(
    mapping({
      automatic: optional(flag()),
      every: optional(duration("1m", "365d")),
      executions: optional(wholeNumber({ min: LIMITS.leastKeptExecutions, max: 1_000_000 })),
      executions_age: optional(duration("0s")),
      checkpoints: optional(wholeNumber({ min: 1, max: 1_000_000 })),
      checkpoints_age: optional(duration("0s")),
      sessions_age: optional(duration("0s")),
      log_age: optional(duration("0s")),
      damaged_age: optional(duration("0s")),
    }),
  ),
  replication: optional(list(SINK, 20)),
  context: optional(mapping({ threshold: optional(decimal({ min: 0.1, max: 1 })) })),
  sandbox: optional(
    mapping({
      memory: optional(size("1mb", "4gb")),
      cpu: optional(duration("10ms", "1d")),
      wall: optional(duration("10ms", "1d")),
    }),
  ),
});

/** The file as said: names of the file, values in program units, nothing filled in. */
export type FileConfig = v.InferOutput<typeof FILE_SCHEMA>;
export type FileAgent = NonNullable<FileConfig["agents"]>[number];
export type FileTaskLimit = NonNullable<NonNullable<FileConfig["limits"]>["tasks"]>[number];
export type FileSink = NonNullable<FileConfig["replication"]>[number];
export type FileRetry = NonNullable<FileConfig["retry"]>;
