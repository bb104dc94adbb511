/** `perdure run` and `perdure resume` */

import { PerdureError } from "../../base/errors.ts";
import { runOperation } from "../../operations/operation.ts";
import { LABELS_OPTION } from "../list-options.ts";
import type { OptionSpec } from "../parse-arguments.ts";
import type { Verb } from "../verb.ts";
import { workCall, workInput } from "../work/work-call.ts";

const WORK_OPTIONS: readonly OptionSpec[] = [
  { name: "concurrency", short: "c", type: "integer", placeholder: "N", help: "tasks to run side by side" },
  LABELS_OPTION,
  { name: "wait", type: "boolean", help: "keep waiting for people instead of ending when only they can go on" },
  { name: "tick", type: "boolean", isOn: true, help: "leave the boxes of a Markdown plan as they are" },
  { name: "force", type: "boolean", help: "go on also where the environment does not fit the last checkpoint" },
];

const NOTES = [
  "Ctrl-C once stops at the next step boundary, twice at once; both resume. With --json each event is one line, the last",
  "one is the result. Exit code 0: completed, or only scheduled tasks are left; 1: failed or blocked; 130: interrupted.",
].join("\n");

export const run: Verb = {
  arguments: [
    { name: "PLAN", help: "a plan file (YAML, JSON, Markdown, …) or a folder of task files", isOptional: true },
  ],
  options: [
    ...WORK_OPTIONS,
    { name: "executor", type: "text", placeholder: "NAME", help: "for tasks that name none" },
    {
      name: "order",
      type: "text",
      placeholder: "ORDER",
      values: ["sequential", "phases", "free"],
      help: "of Markdown tasks that say none",
    },
    { name: "detach", short: "d", type: "boolean", help: "work in the background" },
    { name: "goal", type: "text", placeholder: "TEXT", help: "plan first (comes with a later version)" },
  ],
  notes: NOTES,
  examples: ["perdure run plan.yaml", "perdure run tasks.md --concurrency 4", "perdure run plan.yaml --detach"],
  async run(call) {
    const { args } = call;
    const path = args.text("PLAN");
    if (args.text("goal") !== null) throw goalNotYet("run");
    if (path === null) throw planMissing("run");
    const plan = {
      path,
      order: args.text("order"),
      executor: args.text("executor"),
      concurrency: args.number("concurrency"),
    };
    if (args.flag("detach")) {
      const { submitDetached } = await import("../work/detach.ts");
      return await submitDetached(call, { ...plan, force: args.flag("force") });
    }
    const { run: operation } = await import("../../operations/run.ts");
    const input = { ...plan, ...workInput(call) };
    return await workCall(call, "on-use", (project, options) => runOperation(operation, project, { input, options }));
  },
};

export const resume: Verb = {
  arguments: [
    {
      name: "SESSION",
      help: "an id, the beginning of one, or a name (default: the newest unfinished one)",
      isOptional: true,
    },
  ],
  options: [
    ...WORK_OPTIONS,
    { name: "detach", short: "d", type: "boolean", help: "work in the background" },
    { name: "dry-run", type: "boolean", help: "tell where work would go on, and change nothing" },
  ],
  notes: NOTES,
  examples: ["perdure resume", "perdure resume 41abf8dc", "perdure resume --dry-run"],
  async run(call) {
    const session = call.args.text("SESSION");
    if (call.args.flag("dry-run")) {
      const { resumePointVerb } = await import("./resume-point.ts");
      return await resumePointVerb.run(call);
    }
    if (call.args.flag("detach")) {
      const { resumeDetached } = await import("../work/detach.ts");
      return await resumeDetached(call, session);
    }
    const { resume: operation } = await import("../../operations/resume.ts");
    const input = { session, ...workInput(call) };
    return await workCall(call, "existing", (project, options) => runOperation(operation, project, { input, options }));
  },
};

export function goalNotYet(verb: string): PerdureError {
  return new PerdureError("unsupported", {
    message: "Planning from a goal (--goal) is not part of this version of Perdure yet",
    hint: `It comes with a later version. Write a plan file and run \`perdure ${verb} PLAN\`.`,
  });
}

export function planMissing(verb: string): PerdureError {
  return new PerdureError("usage", {
    message: "PLAN is missing: a plan file or a folder of task files",
    hint: `See \`perdure ${verb} --help\`.`,
  });
}
