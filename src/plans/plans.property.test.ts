import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isPerdureError } from "../base/errors.ts";
import type { Json, JsonObject } from "../base/json.ts";
import { toLabelSet } from "../domain/labels.ts";
import type { PlanDraft, TaskDraft } from "../domain/plan-draft.ts";
import { toTaskLimit } from "../domain/task-limit.ts";
import { planFingerprint } from "./fingerprint.ts";
import { PLAN_FORMATS } from "./plan-format.ts";
import { readPlan } from "./read-plan.ts";
import { blankTask, TASK_DEFAULTS } from "./task-defaults.ts";
import { tickBoxes } from "./tick.ts";
import { draftToMarkdown } from "./write-markdown.ts";
import { draftToYaml } from "./write-plan.ts";

/** Pieces that Markdown plans are made of, whole and broken. */
const markdownPiece = fc.oneof(
  fc.constantFrom(
    "- [ ] ",
    "- [x] ",
    "  - [X] ",
    "\t* [ ] ",
    "# ",
    "## 1. ",
    "### Phase 2: ",
    "```sh\n",
    "```",
    "~~~",
    "<!-- ",
    " -->",
    "---\n",
    "> ",
    "===",
    "\r\n",
  ),
  fc.constantFrom(
    "T001 ",
    "T002 [P] ",
    "1.2 ",
    "TXXX ",
    "(depends on T001)",
    "<!-- depends: 1.2 -->",
    "{after=T001}",
    "<!-- id: x -->",
    "✅ 2026-01-01",
    "`",
  ),
  fc.string({ maxLength: 8 }),
  fc.constant("\n"),
);
const markdown = fc.array(markdownPiece, { maxLength: 60 }).map((pieces) => pieces.join(""));

async function readOrRefuse(reading: Promise<PlanDraft>): Promise<PlanDraft | null> {
  try {
    return await reading;
  } catch (error) {
    if (!isPerdureError(error)) throw error;
    expect(error.message).toMatch(/^p:\d+:\d+: /);
    return null;
  }
}

describe("whatever a file holds", () => {
  test("bytes are read or refused with a place, in every format", async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.string({ unit: "binary", maxLength: 200 }).map((text) => Buffer.from(text)),
      fc.json().map((text) => Buffer.from(text)),
    );
    await fc.assert(
      fc.asyncProperty(bytes, fc.constantFrom(null, ...PLAN_FORMATS), async (content, format) => {
        await readOrRefuse(readPlan({ path: "p", bytes: content, format }));
      }),
      { numRuns: 600 },
    );
  });

  test("JSON that looks like tasks is read or refused with a place, in every format", async () => {
    const key = fc.constantFrom(
      "id",
      "tasks",
      "title",
      "needs",
      "dependencies",
      "subtasks",
      "parent",
      "status",
      "schedule",
      "run",
      "env",
      "retry",
      "subject",
      "blocks",
      "context",
      "priority",
    );
    const { tree } = fc.letrec<{ readonly tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { depthSize: "small" },
        fc.constantFrom("a", "b", 1, null, true, "done"),
        fc.array(tie("tree"), { maxLength: 3 }),
        fc.dictionary(key, tie("tree"), { maxKeys: 5 }),
      ),
    }));
    await fc.assert(
      fc.asyncProperty(
        tree,
        fc.constantFrom("yaml", "json", "task-master", "beads", "claude-code", "backlog"),
        async (value, format) => {
          const text =
            format === "backlog" ? `---\n${JSON.stringify(value)}\n---\n` : JSON.stringify({ tasks: [value] });
          await readOrRefuse(readPlan({ path: "p", text, format: format as "yaml" }));
        },
      ),
      { numRuns: 600 },
    );
  });

  test("Markdown is read or refused with a place, with unique keys and parents before children", async () => {
    await fc.assert(
      fc.asyncProperty(markdown, fc.constantFrom("sequential", "phases", "free", null), async (text, order) => {
        const plan = await readOrRefuse(readPlan({ path: "p", text, format: "markdown", order }));
        const seen = new Set<string>();
        for (const task of plan?.tasks ?? []) {
          expect(seen.has(task.key)).toBe(false);
          expect(task.parentKey === null || seen.has(task.parentKey)).toBe(true);
          seen.add(task.key);
        }
        for (const need of plan?.tasks.flatMap((task) => task.needs) ?? []) expect(seen.has(need)).toBe(true);
      }),
      { numRuns: 1_500 },
    );
  });
});

describe("ticking", () => {
  test("changes one character a box, keeps every key and the fingerprint, and can be taken back", async () => {
    await fc.assert(
      fc.asyncProperty(markdown, fc.array(fc.nat(), { maxLength: 5 }), async (text, picks) => {
        const plan = await readOrRefuse(readPlan({ path: "p", text, format: "markdown" }));
        if (plan === null) return;
        const boxes = plan.tasks.filter((task) => !isHeading(text, task));
        const chosen = [...new Set(picks.map((pick) => boxes[pick % Math.max(1, boxes.length)]))].filter(
          (task) => task !== undefined,
        );
        const updates = chosen.map((task) => ({ key: task.key, done: task.status !== "completed" }));
        const ticked = tickBoxes(text, updates);
        expect(ticked.missing).toEqual([]);
        expect(ticked.changed).toBe(updates.length);
        expect(ticked.text.length).toBe(text.length);
        expect([...text].filter((sign, i) => sign !== [...ticked.text][i])).toHaveLength(updates.length);

        const again = await readPlan({ path: "p", text: ticked.text, format: "markdown" });
        expect(again.tasks.map((task) => task.key)).toEqual(plan.tasks.map((task) => task.key));
        expect(planFingerprint(again)).toBe(planFingerprint(plan));
        for (const { key, done } of updates)
          expect(again.tasks.find((task) => task.key === key)?.status === "completed").toBe(done);
      }),
      { numRuns: 800 },
    );
  });
});

function isHeading(text: string, task: TaskDraft): boolean {
  const line = text.split(/\r\n|\n|\r/)[(task.source?.line ?? 1) - 1] ?? "";
  return !/^[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+\[/.test(line);
}

const word = fc.stringMatching(/^[a-z]{1,8}$/);
const words = fc.array(word, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(" "));

/** Keys, parents and needs that fit together: a task needs and lies in only what stands before it and is not above it. */
function shape(key: fc.Arbitrary<string>): fc.Arbitrary<readonly Pick<TaskDraft, "key" | "parentKey" | "needs">[]> {
  const seeds = fc.array(fc.record({ parent: fc.option(fc.nat(20)), needs: fc.array(fc.nat(20), { maxLength: 3 }) }), {
    minLength: 1,
    maxLength: 12,
  });
  return fc
    .tuple(fc.uniqueArray(key, { minLength: 12, maxLength: 12, selector: (text) => text.toLowerCase() }), seeds)
    .map(([keys, raw]) => {
      const tasks: { key: string; parentKey: string | null; needs: readonly string[] }[] = [];
      /** The last task and those above it may take a child, so that the order is depth first. */
      let open: string[] = [];
      for (const [index, { parent, needs }] of raw.entries()) {
        const depth = parent === null ? 0 : parent % (open.length + 1);
        open = open.slice(0, depth);
        const parentKey = open.at(-1) ?? null;
        const above = tasks.find((task) => task.key === parentKey);
        const closed = tasks.filter((task) => !open.includes(task.key)).map((task) => task.key);
        const own = closed.length === 0 ? [] : needs.map((n) => closed[n % closed.length] ?? "");
        const inherited = (above?.needs ?? []).filter((need) => !own.includes(need));
        const key_ = keys[index] ?? `key-${index}`;
        tasks.push({ key: key_, parentKey, needs: [...new Set([...own, ...inherited])] });
        open.push(key_);
      }
      return tasks;
    });
}

const anyText = fc.string({ minLength: 1, maxLength: 20, unit: "grapheme" });
const settings = fc.record({
  priority: fc.integer({ min: 1, max: 10 }),
  weight: fc.integer({ min: 0, max: 100 }),
  maxRetries: fc.integer({ min: 0, max: 1_000 }),
  retry: fc.record({
    backoff: fc.constantFrom("exponential", "fixed"),
    initialDelayMs: fc.nat(10_000_000),
    factor: fc.integer({ min: 1, max: 10 }),
    maxDelayMs: fc.nat(10_000_000),
  }),
  timeoutMs: fc.option(fc.integer({ min: 1, max: 1_000_000_000 })),
  onDependencyFailure: fc.constantFrom("block", "cancel", "run"),
  overlap: fc.constantFrom("skip", "queue"),
  catchUp: fc.constantFrom("skip", "last", "all"),
  labels: fc.uniqueArray(fc.constantFrom("gpu", "linux", "os=mac", "1"), { maxLength: 3 }).map(toLabelSet),
  limit: fc.option(
    fc
      .tuple(
        fc.constantFrom("a", "none", "customer-42", "1"),
        fc.option(fc.integer({ min: 1, max: 9 })),
        fc.option(fc.record({ count: fc.integer({ min: 1, max: 99 }), perMs: fc.integer({ min: 10, max: 100_000 }) })),
      )
      .map(([key, concurrency, rate]) => toTaskLimit(key, { concurrency, rate })),
  ),
});
const jsonObject = fc
  .dictionary(fc.string({ maxLength: 6 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
  .map((value) => JSON.parse(JSON.stringify(value)) as JsonObject);
const jsonInput = fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)) as Json);
const work = fc.oneof(
  fc.record({
    executor: fc.constant("command"),
    input: fc.record(
      {
        run: anyText,
        env: fc.dictionary(fc.stringMatching(/^[A-Z]{1,3}$/), anyText),
        cwd: anyText,
        effect: fc.constant("once"),
        verify: anyText,
      },
      { requiredKeys: ["run"] },
    ),
  }),
  fc.record({
    executor: fc.constant("code"),
    input: fc.record({ code: anyText, language: fc.constantFrom("js", "ts") }),
  }),
  fc.record({ executor: fc.constant("manual"), input: fc.record({ instructions: anyText }) }),
  fc.record({
    executor: fc.constantFrom("agent", "acp"),
    input: fc.record({
      agent: anyText,
      prompt: anyText,
      budget: fc.option(
        fc.record({ tokens: fc.integer({ min: 1 }), cost: fc.constantFrom(0, 2.5) }, { requiredKeys: [] }),
      ),
    }),
  }),
  fc.record({ executor: word, input: jsonInput }),
  fc.constant({ executor: null, input: null }),
) as fc.Arbitrary<{ readonly executor: string | null; readonly input: Json }>;

const schedule = fc.option(
  fc.oneof(
    fc.record({ type: fc.constant("at" as const), at: fc.integer({ min: 0, max: 4_000_000_000_000 }) }),
    fc.record({ type: fc.constant("in" as const), delayMs: fc.nat(1_000_000_000) }),
  ),
);

const yamlDraft: fc.Arbitrary<PlanDraft> = fc
  .tuple(
    anyText,
    fc.option(anyText),
    fc.option(fc.integer({ min: 1, max: 1_000 })),
    shape(fc.oneof(word, fc.constantFrom("1.10", "no", "T012", "a b", "x, y", "ü", "-"))),
  )
  .chain(([name, goal, concurrency, shapes]) =>
    fc
      .tuple(
        ...shapes.map((task) =>
          fc
            .record({
              title: anyText.filter((text) => text.trim() !== ""),
              description: fc.option(anyText),
              settings,
              work,
              schedule,
              context: jsonObject,
              isDone: fc.boolean(),
            })
            .map((random): TaskDraft => ({
              ...blankTask(task.key, random.title, random.settings),
              ...task,
              ...random.work,
              description: random.description,
              schedule: random.schedule,
              context: random.context,
              status: random.isDone ? "completed" : "pending",
              completedAt: random.isDone ? 1_700_000_000_123 : null,
            })),
        ),
      )
      .map((tasks): PlanDraft => ({ name, goal, concurrency, tasks, notices: [] })),
  );

const withoutSources = (draft: PlanDraft): PlanDraft => ({
  ...draft,
  tasks: draft.tasks.map((task) => ({ ...task, source: null })),
});

/** `verify` without `once` is refused in a plan, and so is never in one. */
function isPlausible(draft: PlanDraft): boolean {
  return draft.tasks.every(
    ({ executor, input }) =>
      executor !== "command" ||
      JSON.stringify(input).includes('"effect"') ||
      !JSON.stringify(input).includes('"verify"'),
  );
}

describe("writing and reading again", () => {
  test("YAML carries everything", async () => {
    await fc.assert(
      fc.asyncProperty(yamlDraft.filter(isPlausible), async (draft) => {
        const text = await draftToYaml(draft);
        expect(withoutSources(await readPlan({ path: "p.yaml", text }))).toEqual(draft);
      }),
      { numRuns: 400 },
    );
  });

  test("Markdown carries keys, titles, descriptions, order, parents, states, priorities, commands and code", async () => {
    const key = fc.oneof(word, fc.constantFrom("1.10", "T012", "3", "a b", "x, y; z", "none", "--> -", "-", "[P]"));
    const carried = fc.oneof(
      fc.record({
        executor: fc.constant("command"),
        input: fc.record({ run: fc.constantFrom("ls", "a\n\n  b", "echo '```'") }),
      }),
      fc.record({
        executor: fc.constant("code"),
        input: fc.record({ code: words, language: fc.constantFrom("js", "ts") }),
      }),
      fc.constant({ executor: null, input: null }),
    ) as fc.Arbitrary<{ readonly executor: string | null; readonly input: Json }>;
    const draft = fc.tuple(words, shape(key)).chain(([name, shapes]) => {
      const parents = new Set(shapes.map((task) => task.parentKey));
      const tasks = shapes.map((task) =>
        fc
          .record({
            title: words,
            description: fc.option(fc.constantFrom("one", "one\ntwo", "one\n\n- two\n  three")),
            carried,
            priority: fc.integer({ min: 1, max: 10 }),
            isDone: fc.boolean(),
          })
          .map((random): TaskDraft => ({
            ...blankTask(task.key, random.title, { ...TASK_DEFAULTS, priority: random.priority }),
            ...task,
            ...(parents.has(task.key) ? { executor: "group" } : random.carried),
            description: random.description,
            status: random.isDone ? "completed" : "pending",
          })),
      );
      return fc
        .tuple(...tasks)
        .map((drafts): PlanDraft => ({ name, goal: null, concurrency: null, tasks: drafts, notices: [] }));
    });
    await fc.assert(
      fc.asyncProperty(draft, async (plan) => {
        const { text, notCarried } = draftToMarkdown(plan);
        expect(withoutSources({ ...(await readPlan({ path: "p.md", text })), notices: [] })).toEqual(plan);
        expect(notCarried).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test("what Markdown does not carry is named", async () => {
    const plan = await readPlan({
      path: "p.yaml",
      text: "goal: g\ntasks: [{id: a, run: ls, timeout: 1s, cwd: x}, {id: b, manual: c}]",
    });
    expect(draftToMarkdown(plan).notCarried).toEqual([
      "the plan loses its goal",
      '"a" loses executor, input, timeoutMs',
      '"b" loses executor, input',
    ]);
  });
});
