/** `perdure plan` */

import type * as v from "valibot";

import { runOperation } from "../../operations/operation.ts";
import type { planShow } from "../../operations/plan-show.ts";
import type { planSubmit } from "../../operations/plan-submit.ts";
import type { Output, View } from "../output.ts";
import { safeLine } from "../terminal/ansi.ts";
import { renderTable } from "../terminal/table.ts";
import { shortId } from "../text/names.ts";
import { GRAPH_FORMATS, planGraph } from "../text/plan-graph.ts";
import type { Verb } from "../verb.ts";
import { goalNotYet, planMissing } from "./run.ts";

type Shown = v.InferInput<(typeof planShow)["output"]>;
type Submitted = v.InferInput<(typeof planSubmit)["output"]>;

export const plan: Verb = {
  arguments: [{ name: "PLAN", help: "a plan file or a folder of task files", isOptional: true }],
  options: [
    { name: "dry-run", type: "boolean", help: "show only, submit nothing" },
    {
      name: "graph",
      type: "text",
      placeholder: "FORMAT",
      values: GRAPH_FORMATS,
      bare: "tree",
      help: "draw what depends on what",
    },
    { name: "executor", type: "text", placeholder: "NAME", help: "for tasks that name none" },
    {
      name: "order",
      type: "text",
      placeholder: "ORDER",
      values: ["sequential", "phases", "free"],
      help: "of Markdown tasks that say none",
    },
    { name: "concurrency", short: "c", type: "integer", placeholder: "N", help: "tasks to run side by side" },
    { name: "goal", type: "text", placeholder: "TEXT", help: "plan first (comes with a later version)" },
  ],
  notes: "`perdure resume` or a worker then works the session.",
  examples: ["perdure plan plan.yaml --dry-run --graph", "perdure plan tasks.md --graph=mermaid --dry-run > plan.mmd"],
  async run({ args, output, open }) {
    const path = args.text("PLAN");
    if (args.text("goal") !== null) throw goalNotYet("plan");
    if (path === null) throw planMissing("plan");
    const project = await open("on-use");
    const input = { path, order: args.text("order"), executor: args.text("executor") };
    const { planShow: showing } = await import("../../operations/plan-show.ts");
    const shown = await runOperation(showing, project, { input });
    const format = GRAPH_FORMATS.find((name) => name === args.text("graph")) ?? null;
    // Before anything is printed: a plan that is refused is not shown as if it had been taken.
    let submitted: Submitted | null = null;
    if (!args.flag("dry-run")) {
      const { planSubmit: submitting } = await import("../../operations/plan-submit.ts");
      submitted = await runOperation(submitting, project, {
        input: { ...input, concurrency: args.number("concurrency") },
      });
    }
    if (!output.isJson) output.print(format === null ? planText(shown, output.view()) : planGraph(shown.tasks, format));
    for (const notice of shown.notices) output.remark(`notice: ${safeLine(notice)}`);
    if (output.isJson) output.printData({ ...shown, submitted });
    else if (submitted !== null) tellSubmitted(submitted, output, format !== null);
    return 0;
  },
};

function planText({ name, tasks, order }: Shown, { paint, width }: View): string {
  const rows = tasks.map((task) => [
    task.level === null ? "done" : String(task.level + 1),
    { text: safeLine(task.key), paint: (text: string) => paint("bold", text) },
    safeLine(task.title),
    task.executor,
    task.needs.length === 0 ? "" : `after ${task.needs.map(safeLine).join(", ")}`,
  ]);
  const columns = [
    { title: "wave", align: "right" },
    { title: "task" },
    { title: "title", isFlexible: true },
    { title: "executor" },
    { title: "needs" },
  ] as const;
  const count = tasks.filter(({ level, executor }) => level !== null && executor !== "group").length;
  const waves = order.length === 1 ? "1 wave" : `${order.length} waves`;
  return [
    `${paint("bold", safeLine(name))}: ${count} tasks to do in ${waves}`,
    ...renderTable(columns, rows, { width, header: (line) => paint("dim", line) }),
  ].join("\n");
}

/** Beside a drawing it is a remark, so that the drawing alone can go into a file. */
function tellSubmitted({ session, isNew, added, changed }: Submitted, output: Output, isRemark: boolean): void {
  const id = shortId(session.id);
  const what = isNew
    ? `Submitted as session ${id}`
    : `Session ${id} of this plan goes on: ${added.length} tasks added, ${changed.length} changed`;
  const text = `${what}. Work it with \`perdure resume ${id}\`.`;
  if (isRemark) output.remark(text);
  else output.print(`\n${text}`);
}
