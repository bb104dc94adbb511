import { describe, expect, test } from "vitest";
import { PerdureError } from "../base/errors.ts";
import type { PlanDraft } from "../domain/plan-draft.ts";
import { readPlan } from "./read-plan.ts";

const read = async (text: string, path = "plan.yaml"): Promise<PlanDraft> => await readPlan({ path, text });

async function errorOf(text: string, path = "plan.yaml"): Promise<PerdureError> {
  const error = await read(text, path).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof PerdureError) return error;
  throw new Error(`no PerdureError: ${String(error)}`);
}

const CONTRACT = `
name: Publish 1.4
concurrency: 3
defaults: { retries: 3, timeout: 10m }
tasks:
  - id: build
    title: Build the package
    run: npm run build            # command: a shell line
    priority: 8
  - id: test
    run: npm test
    needs: [build]
    retries: 1
  - id: notes
    needs: [build]
    code: |
      const log = await tools.readText("CHANGELOG.md");
      return log;
  - id: approve
    manual: Read the notes and say yes
    needs: [test, notes]
    on_dependency_failure: block
  - id: implement
    agent: executor
    prompt: Implement the feature in docs/feature.md
    budget: { tokens: 200000, cost: 2.50 }
  - id: acp
    agent: acp:claude-code
    prompt: Do it
  - id: digest
    run: ./digest.sh
    schedule: { type: daily, time: "07:00", timezone: Europe/Berlin }
    overlap: skip
    catch_up: last
`;

describe("Perdure YAML", () => {
  test("reads the example of the contract", async () => {
    const plan = await read(CONTRACT);
    expect(plan).toMatchObject({ name: "Publish 1.4", goal: null, concurrency: 3, notices: [] });
    const byKey = new Map(plan.tasks.map((task) => [task.key, task]));
    expect([...byKey.keys()]).toEqual(["build", "test", "notes", "approve", "implement", "acp", "digest"]);
    expect(byKey.get("build")).toMatchObject({
      title: "Build the package",
      executor: "command",
      input: { run: "npm run build" },
      priority: 8,
      maxRetries: 3,
      timeoutMs: 600_000,
      source: { file: "plan.yaml", line: 6 },
    });
    expect(byKey.get("test")).toMatchObject({ title: "test", needs: ["build"], maxRetries: 1 });
    expect(byKey.get("notes")).toMatchObject({
      executor: "code",
      input: { code: expect.stringMatching(/^const log.*\n.*\n$/), language: "ts" },
    });
    expect(byKey.get("approve")).toMatchObject({
      executor: "manual",
      input: { instructions: "Read the notes and say yes" },
      needs: ["test", "notes"],
    });
    expect(byKey.get("implement")).toMatchObject({
      executor: "agent",
      input: { agent: "executor", budget: { tokens: 200_000, cost: 2.5 } },
    });
    expect(byKey.get("acp")).toMatchObject({
      executor: "acp",
      input: { agent: "claude-code", prompt: "Do it", budget: null },
    });
    expect(byKey.get("digest")?.schedule).toEqual({ type: "daily", time: "07:00", timezone: "Europe/Berlin" });
  });

  test("reads every schedule", async () => {
    const schedules = ['{ cron: "0 7 * * 1-5" }', "{ at: 2026-12-01T09:00:00Z }", "{ every: 15m }", "{ in: 30m }"];
    const plan = await read(
      `tasks:\n${schedules.map((schedule, i) => `  - { id: t${i}, schedule: ${schedule} }`).join("\n")}`,
    );
    expect(plan.tasks.map((task) => task.schedule)).toEqual([
      { type: "cron", cron: "0 7 * * 1-5", timezone: null },
      { type: "at", at: Date.UTC(2026, 11, 1, 9) },
      { type: "every", intervalMs: 900_000 },
      { type: "in", delayMs: 1_800_000 },
    ]);
  });

  test("reads env, cwd, effect, verify, retry and context", async () => {
    const plan = await read(`
defaults: { env: { A: 1, B: two }, cwd: sub }
tasks:
  - id: pay
    run: ./pay.sh
    env: { B: "3" }
    effect: once
    verify: ./was-paid.sh
    retry: { backoff: fixed, initial_delay: 2s, max_delay: 1m }
    weight: 2.5
    context: { files: [a.ts] }
  - { id: repeat, run: ls, effect: repeatable, cwd: other }
`);
    expect(plan.tasks[0]).toMatchObject({
      input: { run: "./pay.sh", env: { A: "1", B: "3" }, cwd: "sub", effect: "once", verify: "./was-paid.sh" },
      retry: { backoff: "fixed", initialDelayMs: 2_000, factor: 2, maxDelayMs: 60_000 },
      weight: 2.5,
      context: { files: ["a.ts"] },
    });
    expect(plan.tasks[1]?.input).toEqual({ run: "ls", env: { A: "1", B: "two" }, cwd: "other" });
  });

  test("nests tasks, makes their parent a group and puts it before a child that stands earlier", async () => {
    const plan = await read(`
tasks:
  - { id: late, parent: phase }
  - id: phase
    needs: [first]
    tasks: [ { id: a, run: "true" }, { title: Say hello, needs: [a] } ]
  - { id: first }
`);
    expect(plan.tasks.map(({ key, parentKey, executor, needs }) => [key, parentKey, executor, needs])).toEqual([
      ["phase", null, "group", ["first"]],
      ["late", "phase", null, ["first"]],
      ["a", "phase", "command", ["first"]],
      ["say-hello", "phase", null, ["a", "first"]],
      ["first", null, null, []],
    ]);
  });

  test("keeps ids as they are written", async () => {
    const plan = await read("tasks:\n  - id: 1.10\n    title: yes\n  - id: no\n    needs: 1.10\n");
    expect(plan.tasks.map(({ key, title, needs }) => [key, title, needs])).toEqual([
      ["1.10", "yes", []],
      ["no", "no", ["1.10"]],
    ]);
  });

  test("follows anchors and merge keys", async () => {
    const plan = await read("tasks:\n  - &base { id: a, run: ls, priority: 9 }\n  - { <<: *base, id: b }\n");
    expect(plan.tasks.map(({ key, priority, input }) => [key, priority, input])).toEqual([
      ["a", 9, { run: "ls" }],
      ["b", 9, { run: "ls" }],
    ]);
  });

  test("takes a key << without an anchor for data", async () => {
    const plan = await read('tasks: [ { id: a, context: { "<<": [], x: { "<<": { y: 1 } } } } ]');
    expect(plan.tasks[0]?.context).toEqual({ "<<": [], x: { "<<": { y: 1 } } });
  });

  test("reads the same plan from JSON, with CRLF and a byte order mark", async () => {
    const text = '\uFEFF{\r\n  "name": "x",\r\n  "tasks": [\r\n    {"id": "a", "run": "ls"}\r\n  ]\r\n}';
    const plan = await readPlan({ path: "plan.json", bytes: Buffer.from(text) });
    expect(plan.tasks[0]).toMatchObject({ key: "a", executor: "command", source: { line: 4 } });
  });

  test("takes what the configuration says over the built-in defaults, and the plan over both", async () => {
    const text = "defaults: { priority: 2 }\ntasks: [ { id: a }, { id: b, priority: 3 } ]";
    const plan = await readPlan({ path: "p.yaml", text, defaults: { priority: 9, maxRetries: 7 } });
    expect(plan.tasks.map(({ priority, maxRetries }) => [priority, maxRetries])).toEqual([
      [2, 7],
      [3, 7],
    ]);
  });
});

describe("labels and limits in Perdure YAML", () => {
  test("are those of the defaults unless the task says others", async () => {
    const text = `
defaults: { labels: [linux, gpu], limit: { key: api, rate: 100/1m } }
tasks:
  - { id: a }
  - { id: b, labels: [], limit: none }
  - { id: c, labels: big, limit: customer-42 }
  - { id: d, limit: { key: customer-42, concurrency: 2, rate: 10/s } }
`;
    const { tasks } = await readPlan({ path: "p.yaml", text });
    expect(tasks.map(({ labels, limit }) => ({ labels, limit }))).toEqual([
      { labels: ["gpu", "linux"], limit: { key: "api", concurrency: null, rate: { count: 100, perMs: 60_000 } } },
      { labels: [], limit: null },
      { labels: ["big"], limit: { key: "customer-42", concurrency: 1, rate: null } },
      {
        labels: ["gpu", "linux"],
        limit: { key: "customer-42", concurrency: 2, rate: { count: 10, perMs: 1_000 } },
      },
    ]);
  });
});

describe("errors of Perdure YAML", () => {
  test.each([
    ["label with a blank", "tasks:\n  - { id: a, labels: [gpu, a b] }\n", 'plan.yaml:2:28: "a b" is no label'],
    [
      "limit without a key",
      "tasks:\n  - { id: a, limit: { concurrency: 2 } }\n",
      "plan.yaml:2:21: a limit needs a key, which the tasks that share it have in common",
    ],
    [
      "rate without a time",
      "tasks:\n  - { id: a, limit: { key: k, rate: 100 } }\n",
      'plan.yaml:2:37: rate must be a number of starts and a time, such as 10/1s, 100/1m or 5/h, and this is "100"',
    ],
    [
      "limit of none at a time",
      "tasks:\n  - { id: a, limit: { key: k, concurrency: 0 } }\n",
      "plan.yaml:2:44: concurrency must be a whole number from 1 to 100000, and this is 0",
    ],
    [
      "unknown key of a limit",
      "tasks:\n  - { id: a, limit: { key: k, concurency: 2 } }\n",
      'plan.yaml:2:31: unknown key "concurency" in limit; did you mean "concurrency"?',
    ],
    [
      "limit as a list",
      "tasks:\n  - { id: a, limit: [k] }\n",
      "plan.yaml:2:21: limit must be a map of keys and values",
    ],
    [
      "unknown key",
      "tasks:\n  - id: a\n    neds: [b]\n",
      'plan.yaml:3:5: unknown key "neds" in a task; did you mean "needs"?',
    ],
    [
      "camelCase key",
      "tasks:\n  - id: a\n    onDependencyFailure: run\n",
      'plan.yaml:3:5: unknown key "onDependencyFailure" in a task; did you mean "on_dependency_failure"?',
    ],
    ["unknown plan key", "task: []\n", 'plan.yaml:1:1: unknown key "task" in a plan; did you mean "tasks"?'],
    [
      "bad priority",
      "tasks:\n  - { id: a, priority: 11 }\n",
      "plan.yaml:2:24: priority must be a whole number from 1 to 10, and this is 11",
    ],
    [
      "priority in words",
      "tasks:\n  - { id: a, priority: high }\n",
      'plan.yaml:2:24: priority must be a whole number from 1 to 10, and this is "high"',
    ],
    [
      "duplicate id",
      "tasks:\n  - id: a\n  - id: a\n",
      'plan.yaml:3:9: a second task has the id "a"; the first is on line 2 of plan.yaml',
    ],
    [
      "missing need",
      "tasks:\n  - id: build\n  - { id: b, needs: [biuld] }\n",
      'plan.yaml:3:22: "b" needs "biuld", which is no task of this plan; did you mean "build"?',
    ],
    [
      "cycle",
      "tasks:\n  - { id: a, needs: [b] }\n  - { id: b, needs: [a] }\n",
      "plan.yaml:2:22: tasks wait for each other in a circle: a → b → a",
    ],
    [
      "child that needs its parent",
      "tasks:\n  - id: p\n    tasks:\n      - { id: c, needs: [p] }\n",
      "wait for each other in a circle",
    ],
    [
      "parents in a circle",
      "tasks:\n  - { id: a, parent: b }\n  - { id: b, parent: a }\n",
      "wait for each other in a circle",
    ],
    [
      "two things to do",
      "tasks:\n  - { id: a, run: x, code: y }\n",
      "plan.yaml:2:22: a task does one thing, and this one says both run and code",
    ],
    [
      "companion alone",
      "tasks:\n  - { id: a, prompt: x }\n",
      "plan.yaml:2:14: prompt goes with agent, which this task does not say",
    ],
    ["agent without prompt", "tasks:\n  - { id: a, agent: x }\n", "an agent needs a prompt"],
    [
      "duration without unit",
      "tasks:\n  - { id: a, timeout: 30 }\n",
      "plan.yaml:2:23: timeout must be a duration, and this is 30",
    ],
    ["no tasks", "name: x\n", "plan.yaml:1:1: the plan has no tasks"],
    ["empty list", "tasks: []\n", "plan.yaml:1:1: the plan has no tasks"],
    ["empty file", "", "plan.yaml:1:1: a plan must be a map of keys and values, and this is nothing"],
    ["a list", "- a\n- b\n", "plan.yaml:1:1: a plan must be a map of keys and values, and this is a list"],
    [
      "key twice",
      "tasks:\n  - id: a\n    run: x\n    run: y\n",
      'plan.yaml:4:5: the key "run" stands twice in one map',
    ],
    ["tabs", "tasks:\n\t- id: a\n", "plan.yaml:2:"],
    ["two documents", "tasks: [{id: a}]\n---\ntasks: [{id: b}]\n", "plan.yaml:2:"],
    [
      "schedule that says two things",
      "tasks:\n  - { id: a, schedule: { every: 1m, in: 2m } }\n",
      "schedule says one of",
    ],
    [
      "wrong cron",
      'tasks:\n  - { id: a, schedule: { cron: "61 * * * *" } }\n',
      "plan.yaml:2:26: the schedule has a bad cron line: 61 * * * *",
    ],
    [
      "wrong time zone",
      'tasks:\n  - { id: a, schedule: { type: daily, time: "07:00", timezone: Europe/Berln } }\n',
      "did you mean Europe/Berlin",
    ],
    [
      "instant without offset",
      "tasks:\n  - { id: a, schedule: { at: 2026-12-01T09:00:00 } }\n",
      "at must be an instant with its offset",
    ],
    [
      "need of a recurring task",
      "tasks:\n  - { id: a, schedule: { every: 1m } }\n  - { id: b, needs: [a] }\n",
      'plan.yaml:3:22: "b" needs "a", which recurs',
    ],
    ["wrong effect", "tasks:\n  - { id: a, run: x, effect: twice }\n", "effect must be one of repeatable, once"],
    ["verify without once", "tasks:\n  - { id: a, run: x, verify: y }\n", "verify goes with effect: once"],
    ["not a number", "tasks:\n  - { id: a, context: { x: .nan } }\n", "is not a number a plan can hold"],
    ["unknown alias", "tasks:\n  - { id: a, run: *nothing }\n", "plan.yaml:2:"],
    ["no id and no title", "tasks:\n  - run: x\n", "plan.yaml:2:5: a task needs an id or a title"],
  ])("%s", async (_name, text, message) => {
    const error = await errorOf(text);
    expect(error.code).toBe("invalid-plan");
    expect(error.message).toMatch(/^plan\.yaml:\d+:\d+: /);
    expect(error.message).toContain(message);
    expect(error.details).toMatchObject({ file: "plan.yaml", line: expect.any(Number), column: expect.any(Number) });
  });

  test("several problems are told at once, twenty at most", async () => {
    const error = await errorOf(
      `tasks:\n${Array.from({ length: 30 }, (_, i) => `  - { id: t${i}, prioriti: 1 }\n`).join("")}`,
    );
    expect(error.details).toMatchObject({ problemCount: 30 });
    expect(error.details.problems).toHaveLength(20);
    expect(error.message).toContain("plan.yaml:3:");
    expect(error.message).toContain("and 10 more problems");
  });

  test.each([
    ["title", `tasks:\n  - { id: a, title: ${"x".repeat(1_001)} }\n`],
    ["id", `tasks:\n  - { id: ${"x".repeat(201)} }\n`],
    ["name", `name: ${"x".repeat(201)}\ntasks: [ { id: a } ]\n`],
    ["description", `tasks:\n  - { id: a, description: ${"x".repeat((1 << 20) + 1)} }\n`],
    [
      "needs",
      `tasks:\n${Array.from({ length: 1_002 }, (_, i) => `  - { id: t${i} }\n`).join("")}  - { id: z, needs: [${Array.from({ length: 1_002 }, (_, i) => `t${i}`).join(",")}] }\n`,
    ],
    [
      "nesting",
      `tasks: [ { id: t0 } ${Array.from({ length: 120 }, (_, i) => `, { id: t${i + 1}, parent: t${i} }`).join("")} ]\n`,
    ],
  ])("a %s over its limit is limit-reached, with its place", async (_name, text) => {
    const error = await errorOf(text);
    expect(error.code).toBe("limit-reached");
    expect(error.message).toMatch(/^plan\.yaml:\d+:\d+: /);
  });

  test("aliases that multiply are refused, quickly", async () => {
    const levels = Array.from(
      { length: 20 },
      (_, i) => `a${i + 1}: &a${i + 1} [${Array.from({ length: 10 }, () => `*a${i}`).join(",")}]`,
    );
    const startedAt = performance.now();
    const error = await errorOf(`a0: &a0 lol\n${levels.join("\n")}\ntasks: []\n`);
    expect(error.code).toBe("limit-reached");
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  test("an anchor that holds itself is refused", async () => {
    const error = await errorOf("tasks: &t [ { id: a, context: *t } ]\n");
    expect(error.message).toContain("nested more than");
  });

  test.each([
    ["yaml", `tasks: ${"[".repeat(100_000)}`],
    ["json", `{"tasks": ${"[".repeat(100_000)}`],
    ["yaml", `tasks:\n  - id: a\n    context: ${"{a: ".repeat(500)}1${"}".repeat(500)}\n`],
  ])("deep nesting in %s is refused", async (extension, text) => {
    const error = await errorOf(text, `plan.${extension}`);
    expect(error.message).toMatch(/^plan\.(?:yaml|json):\d+:\d+: /);
  });

  test("a key named __proto__ is data", async () => {
    const plan = await read('tasks: [ { id: a, context: { "__proto__": { polluted: true } } } ]');
    expect(Object.hasOwn(plan.tasks[0]?.context ?? {}, "__proto__")).toBe(true);
    expect(({} as { readonly polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe("errors of JSON", () => {
  test.each([
    ['{"tasks": [{"id": "a",}]}', "plan.json:1:23: a key in quotes is missing"],
    ['{"tasks": [\n  {"id": "a" "run": "x"}\n]}', "plan.json:2:14: , or } is missing"],
    ['{"tasks": [{"id": "a"}]} x', "plan.json:1:26: more text after the end"],
    ["{'tasks': []}", "plan.json:1:2: a key in quotes is missing"],
    ['{"tasks": [{"id": "a", "id": "b"}]}', 'plan.json:1:24: the key "id" stands twice in one object'],
    ["", "plan.json:1:1: a value is missing: the file ends here"],
  ])("%s", async (text, message) => {
    expect((await errorOf(text, "plan.json")).message).toContain(message);
  });
});
