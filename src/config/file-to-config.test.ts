import { describe, expect, test } from "vitest";
import { fileToConfig } from "./file-to-config.ts";
import type { FileAgent, FileConfig } from "./file-schema.ts";

function read(file: FileConfig) {
  return fileToConfig(file, "perdure.yaml");
}

function anAgent(overrides: Partial<FileAgent> = {}): FileAgent {
  return { name: "executor", role: "react", ...overrides };
}

describe("what the supervisor and agents say drives the program", () => {
  test("session.backend and storage_path become the store", () => {
    const supervisor = { session: { backend: "jsonl", storage_path: "./data" } } as const;

    expect(read({ supervisor }).store).toMatchObject({ backend: "jsonl", path: "./data" });
  });

  test.each(["redis", "memory"] as const)("working_memory.backend %s is kept", (backend) => {
    expect(read({ supervisor: { session: { working_memory: { backend } } } }).workingMemory.backend).toBe(backend);
  });

  test("task_queue.max_queue_size becomes the limit of unfinished tasks", () => {
    expect(read({ supervisor: { session: { task_queue: { max_queue_size: 7 } } } }).limits.unfinishedTasks).toBe(7);
  });

  test("task_queue.checkpoint_interval becomes the time between checkpoints", () => {
    expect(read({ supervisor: { session: { task_queue: { checkpoint_interval: 9_000 } } } }).checkpoint.everyMs).toBe(
      9_000,
    );
  });

  test("the first agent's max_concurrent becomes the worker's concurrency", () => {
    const agents = [
      anAgent({ name: "planner" }),
      anAgent({ task_execution: { max_concurrent: 5 } }),
      anAgent({ name: "other", task_execution: { max_concurrent: 9 } }),
    ];

    expect(read({ agents }).worker.concurrency).toBe(5);
    expect(read({ agents }).agents.map((agent) => agent.maxConcurrent)).toEqual([null, 5, 9]);
  });

  test("the first agent's retry_policy becomes the general one", () => {
    const agents = [anAgent({ task_execution: { retry_policy: { max_retries: 1, backoff: "fixed" } } })];

    expect(read({ agents }).retry).toMatchObject({
      maxRetries: 1,
      policy: { backoff: "fixed", initialDelayMs: 1_000 },
    });
  });

  test("the supervisor's model is that of agents without one", () => {
    const agents = [anAgent(), anAgent({ name: "other", model: "own" })];

    expect(read({ supervisor: { model: "general" }, agents }).agents.map((agent) => agent.model)).toEqual([
      "general",
      "own",
    ]);
  });
});

describe("where two places speak of one thing, the section of its own wins", () => {
  const supervisor = {
    session: {
      backend: "jsonl",
      storage_path: "./data",
      task_queue: { max_queue_size: 7, checkpoint_interval: 9_000 },
    },
  } as const;
  const agents = [
    anAgent({ task_execution: { max_concurrent: 5, retry_policy: { max_retries: 1, initial_delay: 50 } } }),
  ];

  test("store", () => {
    expect(read({ supervisor, store: { backend: "sqlite", path: "./own" } }).store).toMatchObject({
      backend: "sqlite",
      path: "./own",
    });
    expect(read({ supervisor, store: { durability: "normal" } }).store).toMatchObject({
      backend: "jsonl",
      durability: "normal",
    });
  });

  test("store.url implies postgres", () => {
    expect(read({ supervisor, store: { url: "postgres://host/db" } }).store.backend).toBe("postgres");
  });

  test("limits, checkpoint, worker", () => {
    const config = read({
      supervisor,
      agents,
      limits: { unfinished_tasks: 70 },
      checkpoint: { every: 90_000 },
      worker: { concurrency: 2 },
    });

    expect(config).toMatchObject({
      limits: { unfinishedTasks: 70 },
      checkpoint: { everyMs: 90_000 },
      worker: { concurrency: 2 },
    });
  });

  test("retry, setting by setting, while the agent's own tasks keep its policy", () => {
    const config = read({ agents, retry: { max_retries: 4 } });

    expect(config.retry).toMatchObject({ maxRetries: 4, policy: { initialDelayMs: 50 } });
    expect(config.agents[0]?.retry).toMatchObject({ maxRetries: 1, policy: { initialDelayMs: 50 } });
  });
});

test("a shorter lease gets a heartbeat that keeps it", () => {
  expect(read({ worker: { lease: 6_000 } }).worker.heartbeatMs).toBe(2_000);
  expect(read({ worker: { lease: 600_000 } }).worker.heartbeatMs).toBe(10_000);
});

test("a first delay over the general cap lifts it", () => {
  expect(read({ retry: { initial_delay: 600_000 } }).retry.policy.maxDelayMs).toBe(600_000);
});

test("an agent plans when its role or its configuration says so", () => {
  const agents = [
    anAgent({ name: "a", role: "planner" }),
    anAgent({ name: "b", planner_config: { max_steps: 3 } }),
    anAgent({ name: "c" }),
  ];

  expect(read({ agents }).agents.map((agent) => agent.planner?.maxSteps ?? null)).toEqual([20, 3, null]);
});
