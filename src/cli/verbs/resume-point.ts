/** `perdure resume --dry-run` */

import type { View } from "../output.ts";
import { safeLine } from "../terminal/ansi.ts";
import { renderTable } from "../terminal/table.ts";
import { taskName } from "../text/names.ts";
import { operationVerb } from "../verb.ts";

export const resumePointVerb = operationVerb({
  arguments: [],
  options: [],
  load: async () => (await import("../../operations/resume-point.ts")).resumePoint,
  input: (args) => ({ session: args.text("SESSION") }),
  text: ({ summary, tasks }, view) => [safeLine(summary), ...taskLines(tasks, view)].join("\n"),
});

interface Task {
  readonly kind: string;
  readonly taskId: string;
  readonly key: string | null;
  readonly title: string;
  readonly recordedSteps: number;
  readonly step: { readonly name: string; readonly status: string } | null;
}

function taskLines(tasks: readonly Task[], { paint, width }: View): readonly string[] {
  const rows = tasks.map((task) => [
    { text: task.kind, paint: (text: string) => paint("dim", text) },
    { text: taskName({ key: task.key, id: task.taskId }), paint: (text: string) => paint("bold", text) },
    task.step === null ? "" : `${safeLine(task.step.name)} ${task.step.status}, ${task.recordedSteps} recorded`,
    safeLine(task.title),
  ]);
  const columns = [{ title: "" }, { title: "" }, { title: "" }, { title: "", isFlexible: true }];
  return renderTable(columns, rows, { width: width === null ? null : width - 2 }).map((line) => `  ${line}`);
}
