/** What no single setting shows: settings that are each valid and do not fit together. */

import { nearest } from "../base/nearest.ts";
import { LIMIT_SUBJECTS } from "../domain/task-limit.ts";
import { DEFAULT_CONFIG } from "./config.ts";
import type { FileConfig, FileRetry, FileSink } from "./file-schema.ts";
import type { SettingPath } from "./problem.ts";

interface Contradiction {
  readonly path: SettingPath;
  readonly message: string;
}

export function findContradictions(file: FileConfig): readonly Contradiction[] {
  return [
    ...storeContradictions(file),
    ...workerContradictions(file),
    ...limitContradictions(file),
    ...retryContradictions(file),
    ...agentContradictions(file),
    ...sinkContradictions(file),
  ];
}

function* storeContradictions({ store }: FileConfig): Generator<Contradiction> {
  if (store?.url && store.backend && store.backend !== "postgres") {
    yield {
      path: ["store", "backend"],
      message: `store.backend is ${store.backend}, but store.url is the address of a Postgres database`,
    };
  }
}

function* workerContradictions({ worker }: FileConfig): Generator<Contradiction> {
  const leaseMs = worker?.lease ?? DEFAULT_CONFIG.worker.leaseMs;
  if (worker?.heartbeat && worker.heartbeat * 2 > leaseMs) {
    yield {
      path: ["worker", "heartbeat"],
      message: "worker.heartbeat must be at most half of worker.lease, so that one late beat does not lose it",
    };
  }
}

function* limitContradictions({ limits }: FileConfig): Generator<Contradiction> {
  const seen = new Map<string, number>();
  for (const [i, { match, concurrency, rate }] of (limits?.tasks ?? []).entries()) {
    const path = ["limits", "tasks", i];
    const subjects = LIMIT_SUBJECTS.filter((subject) => match[subject]);
    if (subjects.length !== 1) {
      const message = `limits.tasks[${i}].match must say one of ${LIMIT_SUBJECTS.join(", ")}, and it says ${subjects.join(" and ") || "none"}`;
      yield { path: [...path, "match"], message };
    }
    if (!concurrency && !rate)
      yield { path, message: `limits.tasks[${i}] limits nothing: say concurrency, rate or both` };
    for (const subject of subjects) {
      const name = `${subject} ${match[subject]}`;
      const first = seen.get(name);
      if (first !== undefined)
        yield { path: [...path, "match", subject], message: `limits.tasks[${first}] is about ${name} already` };
      seen.set(name, first ?? i);
    }
  }
}

function* retryContradictions(file: FileConfig): Generator<Contradiction> {
  yield* capBelowFirstDelay(file.retry, ["retry"]);
  for (const [i, agent] of (file.agents ?? []).entries()) {
    yield* capBelowFirstDelay(agent.task_execution?.retry_policy, ["agents", i, "task_execution", "retry_policy"]);
  }
}

function* capBelowFirstDelay(retry: FileRetry | null | undefined, path: SettingPath): Generator<Contradiction> {
  if (retry?.initial_delay && typeof retry.max_delay === "number" && retry.max_delay < retry.initial_delay) {
    yield { path: [...path, "max_delay"], message: "max_delay must not be shorter than initial_delay" };
  }
}

function* agentContradictions(file: FileConfig): Generator<Contradiction> {
  const agents = file.agents ?? [];
  const names = agents.map((agent) => agent.name);
  for (const [i, agent] of agents.entries()) {
    const first = names.indexOf(agent.name);
    if (first < i)
      yield { path: ["agents", i, "name"], message: `agents[${first}] has the name ${agent.name} already` };
    for (const key of ["inputs", "outputs"] as const) {
      for (const [j, other] of (agent[key] ?? []).entries()) {
        if (!names.includes(other))
          yield { path: ["agents", i, key, j], message: `there is no agent ${other}${likelyAgent(other, names)}` };
      }
    }
  }
}

/** Which settings a sink of each kind has, besides those of all: those it cannot do without, and others. */
const SINK_SETTINGS = {
  jsonl: { required: ["path"], others: [] },
  redis: { required: ["stream"], others: ["url"] },
  firestore: { required: ["project", "collection"], others: [] },
} as const;
const OF_ONE_KIND = ["path", "url", "stream", "project", "collection"] as const;

function* sinkContradictions({ replication }: FileConfig): Generator<Contradiction> {
  for (const [i, said] of (replication ?? []).entries()) {
    const { required, others } = SINK_SETTINGS[said.sink];
    const known: readonly string[] = [...required, ...others];
    for (const key of required) {
      if (said[key as keyof FileSink]) continue;
      yield {
        path: ["replication", i],
        message: `replication[${i}].${key} is missing; a sink of ${said.sink} needs it`,
      };
    }
    for (const key of OF_ONE_KIND) {
      if (!said[key] || known.includes(key)) continue;
      const message = `replication[${i}].${key} is not for a sink of ${said.sink}, which has ${known.join(" and ")}`;
      yield { path: ["replication", i, key], message };
    }
  }
}

function likelyAgent(name: string, names: readonly string[]): string {
  const likely = nearest(name, names);
  return likely === null ? "" : `; did you mean ${likely}?`;
}
