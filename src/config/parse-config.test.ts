import { describe, expect, test } from "vitest";
import { isPerdureError } from "../base/errors.ts";
import { DEFAULT_CONFIG, DEFAULT_MAX_ARTIFACT_BYTES, DEFAULT_PLANNER } from "./config.ts";
import { parseConfig } from "./parse-config.ts";

/** As in design.md, section 6, to the letter. */
const SECTION_6 = `supervisor:
  name: personal-assistant
  model: gpt-4-turbo
  session:
    enabled: true
    backend: jsonl            # sqlite (default) | jsonl | postgres
    storage_path: ./data/sessions
    working_memory:
      max_entries: 1000
      default_ttl: 24h
      cleanup_interval: 1h
      backend: memory         # memory (in the session's store) | redis
      summary_strategy: semantic   # recent | important | semantic
      max_summary_size: 2000
    task_queue:
      max_queue_size: 100
      priority_scheduling: true
      checkpoint_interval: 5m
      persistence: true
agents:
  - name: planner
    role: planner
    model: gpt-4-turbo
    planner_config:
      planning_strategy: chain_of_thought
      max_steps: 20
      enable_backtracking: true
      enable_self_critique: true
      task_continuation: { enabled: true, auto_checkpoint: true, checkpoint_interval: 10m, resume_on_restart: true }
      progress_tracking: { enabled: true, update_interval: 30s, milestone_tracking: true }
      working_memory: { enabled: true, context_size: 2000, include_artifacts: true }
    outputs: [executor]
  - name: executor
    role: react
    model: gpt-4-turbo
    prompt: 'Execute tasks from the planning queue...'
    inputs: [planner]
    task_execution:
      max_concurrent: 3
      retry_policy: { max_retries: 3, backoff: exponential, initial_delay: 1s }
      progress_reporting: { enabled: true, report_interval: 10s }
`;

/** The message lines of the problems a text has. */
function problemsOf(text: string): readonly string[] {
  try {
    parseConfig(text, "perdure.yaml");
  } catch (error) {
    if (isPerdureError(error, "invalid-config")) return error.message.split("\n");
    throw error;
  }
  return [];
}

describe("the file of the design", () => {
  test("loads as it stands and drives the program", () => {
    expect(parseConfig(SECTION_6, "perdure.yaml")).toEqual({
      ...DEFAULT_CONFIG,
      file: "perdure.yaml",
      supervisor: { name: "personal-assistant", model: "gpt-4-turbo" },
      store: { backend: "jsonl", durability: "full", path: "./data/sessions", url: null },
      limits: { unfinishedTasks: 100, tasks: null },
      workingMemory: { ...DEFAULT_CONFIG.workingMemory, summaryStrategy: "semantic" },
      agents: [
        {
          name: "planner",
          role: "planner",
          model: "gpt-4-turbo",
          prompt: null,
          inputs: [],
          outputs: ["executor"],
          planner: DEFAULT_PLANNER,
          maxConcurrent: null,
          retry: DEFAULT_CONFIG.retry,
          progressReporting: { enabled: true, intervalMs: 10_000 },
        },
        {
          name: "executor",
          role: "react",
          model: "gpt-4-turbo",
          prompt: "Execute tasks from the planning queue...",
          inputs: ["planner"],
          outputs: [],
          planner: null,
          maxConcurrent: 3,
          retry: DEFAULT_CONFIG.retry,
          progressReporting: { enabled: true, intervalMs: 10_000 },
        },
      ],
    });
  });

  test("loads with CRLF line ends", () => {
    expect(parseConfig(SECTION_6.replaceAll("\n", "\r\n"), "perdure.yaml").limits.unfinishedTasks).toBe(100);
  });
});

describe("parseConfig", () => {
  test.each(["", "# nothing\n", "---\n", "{}", "worker:\n", "worker:\n  lease:\n"])(
    "gives the defaults for %j",
    (text) => {
      expect(parseConfig(text, "perdure.yaml")).toEqual({ ...DEFAULT_CONFIG, file: "perdure.yaml" });
    },
  );

  test("reads the sections of its own", () => {
    const config = parseConfig(
      `store: { durability: normal, path: ./state }
executors: [./executors.ts, ./more.ts]
worker: { concurrency: 8, lease: 1m, heartbeat: 5s, command_timeout: 10m, output_limit: 64kb }
retry: { max_retries: 0, backoff: fixed, initial_delay: 250ms, max_delay: 1h, factor: 1.5 }
limits: { unfinished_tasks: 50 }
checkpoint: { every_tasks: 10, every: 1h30m }
context: { threshold: 0.5 }
sandbox: { memory: 64mb, cpu: 5s, wall: 10s }
`,
      "perdure.yaml",
    );

    expect(config).toMatchObject({
      store: { backend: "sqlite", durability: "normal", path: "./state" },
      executors: ["./executors.ts", "./more.ts"],
      worker: {
        concurrency: 8,
        leaseMs: 60_000,
        heartbeatMs: 5_000,
        commandTimeoutMs: 600_000,
        outputLimitBytes: 65_536,
      },
      retry: { maxRetries: 0, policy: { backoff: "fixed", initialDelayMs: 250, maxDelayMs: 3_600_000, factor: 1.5 } },
      limits: { unfinishedTasks: 50 },
      checkpoint: { everyTasks: 10, everyMs: 5_400_000 },
      context: { threshold: 0.5 },
      sandbox: { memoryBytes: 64 * 2 ** 20, cpuMs: 5_000, wallMs: 10_000 },
    });
  });

  test("reads where the change log is copied to", () => {
    const config = parseConfig(
      `replication:
  - { sink: jsonl, path: ../backup }
  - { sink: redis, url: "rediss://me:secret@host:6380/1", stream: perdure:p, max_artifact: 1mb }
  - { sink: redis, stream: s }
  - { sink: firestore, project: my-project, collection: backups/perdure/logs }
`,
      "perdure.yaml",
    );
    const maxArtifactBytes = DEFAULT_MAX_ARTIFACT_BYTES;
    expect(config.replication).toEqual([
      { sink: "jsonl", path: "../backup", maxArtifactBytes },
      { sink: "redis", url: "rediss://me:secret@host:6380/1", stream: "perdure:p", maxArtifactBytes: 2 ** 20 },
      { sink: "redis", url: null, stream: "s", maxArtifactBytes },
      { sink: "firestore", project: "my-project", collection: "backups/perdure/logs", maxArtifactBytes },
    ]);
  });

  test.each<[string, string]>([
    ["{ sink: redis }", "1:15: replication[0].stream is missing; a sink of redis needs it"],
    ["{ sink: firestore, project: p }", "1:15: replication[0].collection is missing"],
    ["{ sink: jsonl, path: x, stream: s }", "1:47: replication[0].stream is not for a sink of jsonl, which has path"],
    ["{ sink: kafka }", "replication[0].sink must be one of jsonl, redis, firestore"],
    ["{ sink: jsonl, pth: x }", "did you mean path?"],
    ["{ sink: firestore, project: p, collection: a/b }", "must be the path of a collection"],
    ['{ sink: redis, stream: s, url: "http://me:secret@host" }', "must be an address that starts with redis://"],
    ["{ sink: jsonl, path: x, max_artifact: 5 }", "must be a size with a unit"],
  ])("refuses the sink %s", (sink, message) => {
    const refused = (): unknown => parseConfig(`replication: [${sink}]`, "perdure.yaml");
    expect(refused).toThrow(message);
    expect(refused).not.toThrow("secret");
  });

  test("takes nothing from the environment", () => {
    expect(parseConfig("supervisor: { model: '${HOME}' }", "perdure.yaml").supervisor.model).toBe("${HOME}");
  });
});

describe("an unknown key", () => {
  test("is named with line, column and the nearest known one", () => {
    const text = SECTION_6.replace("max_concurrent", "max_concurent");

    expect(problemsOf(text)).toEqual([
      "perdure.yaml:39:7: unknown key max_concurent in agents[1].task_execution; did you mean max_concurrent?",
    ]);
  });

  test("is named with all known ones when none is near", () => {
    expect(problemsOf("context:\n  colour: red\n")).toEqual([
      "perdure.yaml:2:3: unknown key colour in context; known here: threshold",
    ]);
  });

  test("is found at the top, in flow mappings, behind an alias, and whatever its type", () => {
    expect(problemsOf("wroker: 1\n")).toEqual(["perdure.yaml:1:1: unknown key wroker; did you mean worker?"]);
    expect(problemsOf("worker: { leese: 1s }\n")[0]).toContain("perdure.yaml:1:11: unknown key leese");
    expect(
      problemsOf(
        "retry: &r { facto: 2 }\nagents:\n  - { name: a, role: react, task_execution: { retry_policy: *r } }\n",
      ),
    ).toEqual(["perdure.yaml:1:13: unknown key facto in retry; did you mean factor?"]);
    expect(problemsOf("__proto__: { worker: 1 }\n1: x\nconstructor: y\n")).toHaveLength(3);
    expect(problemsOf("<<: { worker: 1 }\n")[0]).toContain("unknown key <<");
  });
});

describe("a wrong value", () => {
  test.each([
    ["worker: { concurrency: many }", '1:24: worker.concurrency must be a whole number from 1 to 1000, not "many"'],
    ["worker: { concurrency: 0 }", "1:24: worker.concurrency must be a whole number from 1 to 1000, not 0"],
    ["worker: { concurrency: 1.5 }", "1:24: worker.concurrency must be a whole number from 1 to 1000, not 1.5"],
    [
      "worker: { lease: 30 }",
      "1:18: worker.lease must be a duration with a unit, from 1s to 1d, such as 30s or 10m, not 30",
    ],
    [
      "worker: { lease: 10ms }",
      '1:18: worker.lease must be a duration with a unit, from 1s to 1d, such as 30s or 10m, not "10ms"',
    ],
    [
      "sandbox: { memory: 128 }",
      "1:20: sandbox.memory must be a size with a unit, from 1mb to 4gb, such as 64kb or 128mb, not 128",
    ],
    ["store: { durability: ful }", '1:22: store.durability must be one of full, normal, not "ful"; did you mean full?'],
    ["store: sqlite", '1:8: store must be a mapping, not "sqlite"'],
    ["store: [sqlite]", "1:8: store must be a mapping, not a list"],
    ["executors: ./a.ts", '1:12: executors must be a list, not "./a.ts"'],
    ["executors: [1]", "1:13: executors[0] must be a text of 1 to 10000 characters, not 1"],
    ["executors:\n  - ''", '2:5: executors[0] must be a text of 1 to 10000 characters, not ""'],
    ["context: { threshold: .nan }", "1:23: context.threshold must be a number from 0.1 to 1, not NaN"],
    ["supervisor: { session: { enabled: yes } }", '1:35: supervisor.session.enabled must be true or false, not "yes"'],
    ["agents:\n  - role: react", "2:5: agents[0].name is missing"],
    ["agents:\n  - name:\n    role: react", "2:10: agents[0].name must be a text of 1 to 200 characters, not empty"],
    ["agents:\n  - { name: a, role: manager }", '2:22: agents[0].role must be one of planner, react, not "manager"'],
    ["- worker", "1:1: the file must be a mapping, not a list"],
    ["worker", '1:1: the file must be a mapping, not "worker"'],
  ])("%j", (text, problem) => {
    expect(problemsOf(text)).toEqual([`perdure.yaml:${problem}`]);
  });

  test("that may hold a password is not shown", () => {
    expect(problemsOf("store: { url: 'mysql://me:secret@host' }")).toEqual([
      "perdure.yaml:1:15: store.url must be an address that starts with postgres://",
    ]);
  });
});

describe("settings that do not fit together", () => {
  test.each([
    ["worker: { lease: 10s, heartbeat: 6s }", /1:34: worker.heartbeat must be at most half of worker.lease/],
    ["store: { url: 'postgres://h/d', backend: jsonl }", /1:42: store.backend is jsonl, but store.url/],
    ["retry: { initial_delay: 1m, max_delay: 1s }", /1:40: max_delay must not be shorter/],
    ["agents: [{ name: a, role: react }, { name: a, role: react }]", /1:44: agents\[0\] has the name a already/],
    [
      "agents: [{ name: planner, role: react, outputs: [plannr] }]",
      /1:50: there is no agent plannr; did you mean planner\?/,
    ],
  ])("%j", (text, problem) => {
    expect(problemsOf(text)).toEqual([expect.stringMatching(problem)]);
  });
});

describe("text that is not YAML", () => {
  test.each([
    ["worker: 1\nworker: 2\n", "2:1: the key worker is given twice"],
    ["a: 1\n---\nb: 2", /2:1: a second document/],
    ["worker: { lease: 1s", /1:\d+: Flow map/],
    ["\tworker: 1", /1:1: Tabs/],
    ["worker: !!js/function x", /1:9: Unresolved tag/],
    ["worker: *nowhere", "1:9: no anchor &nowhere stands before this"],
  ])("%j", (text, problem) => {
    expect(problemsOf(text)).toEqual([expect.stringMatching(problem)]);
  });

  test("aliases that multiply are refused", () => {
    const bomb = ["a: &a [x, x, x, x, x, x, x, x, x, x]"];
    for (const [i, name] of [..."bcdefgh"].entries())
      bomb.push(`${name}: &${name} [${`*${"abcdefgh"[i]}, `.repeat(9)} x]`);

    expect(problemsOf(bomb.join("\n"))[0]).toMatch(/alias/i);
  });
});

test("problems are listed in the order of the file, up to 20", () => {
  const keys = Array.from({ length: 30 }, (_, i) => `unknown_${i}: 1`).join("\n");
  const lines = problemsOf(`worker: { concurrency: none }\n${keys}`);

  expect(lines).toHaveLength(21);
  expect(lines[0]).toContain(":1:24: worker.concurrency");
  expect(lines[1]).toContain(":2:1: unknown key unknown_0");
  expect(lines[20]).toBe("… and 11 more");
});

test("problems are data as well", () => {
  try {
    parseConfig("wroker: 1", "perdure.yaml");
    expect.unreachable();
  } catch (error) {
    expect(isPerdureError(error) && error.details).toEqual({
      file: "perdure.yaml",
      problems: [{ line: 1, column: 1, message: "unknown key wroker; did you mean worker?" }],
    });
  }
});

describe("limits.tasks", () => {
  test("are read in their order, and none is other than nothing said", () => {
    const text = `limits:
  tasks:
    - { match: { executor: command }, concurrency: 4, rate: 100/1m }
    - { match: { label: gpu }, concurrency: 1 }
    - { match: { key: customer-* }, rate: 5/s }
worker: { labels: [linux, gpu, linux], drain: 1m }
`;
    const { limits, worker } = parseConfig(text, "perdure.yaml");
    expect(limits.tasks).toEqual([
      { subject: "executor", pattern: "command", concurrency: 4, rate: { count: 100, perMs: 60_000 } },
      { subject: "label", pattern: "gpu", concurrency: 1, rate: null },
      { subject: "key", pattern: "customer-*", concurrency: null, rate: { count: 5, perMs: 1_000 } },
    ]);
    expect(worker).toMatchObject({ labels: ["gpu", "linux"], drainMs: 60_000 });
    expect(parseConfig("limits: { tasks: [] }", "perdure.yaml").limits.tasks).toEqual([]);
  });

  test.each([
    [
      "- { match: { executor: a, key: b }, concurrency: 1 }",
      "must say one of executor, label, key, and it says executor and key",
    ],
    ["- { match: {}, concurrency: 1 }", "and it says none"],
    ["- { match: { key: a } }", "limits nothing: say concurrency, rate or both"],
    ["- { match: { key: a }, rate: 5 }", "must be a number of starts and a time, such as 10/1s"],
    ["- { match: { key: a }, rate: 5/year }", "must be a number of starts and a time, such as 10/1s"],
    ["- { match: { key: a }, concurrency: 0 }", "must be a whole number from 1 to 100000"],
    ["- { match: { label: 'a b' }, concurrency: 1 }", "must be a label"],
    ["- { match: { kind: a }, concurrency: 1 }", "unknown key kind"],
    [
      "- { match: { key: a }, concurrency: 1 }\n    - { match: { key: a }, concurrency: 2 }",
      "limits.tasks[0] is about key a already",
    ],
  ])("refuses %s", (text, message) => {
    const file = `limits:\n  tasks:\n    ${text}\n`;
    expect(() => parseConfig(file, "perdure.yaml")).toThrow(message);
  });
});
