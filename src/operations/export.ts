/** Writes a session as a plan. */

import * as v from "valibot";

import type { PlanDraft, TaskDraft } from "../domain/plan-draft.ts";
import { MANUAL_EXECUTOR } from "../domain/task.ts";
import { getSession } from "../store/commands/session-queries.ts";
import { listAllTasks } from "./all-tasks.ts";
import { sessionReference } from "./json/inputs.ts";
import { defineOperation } from "./operation.ts";
import { findSessionId } from "./references.ts";
import { storedPlan, withOrderSaid } from "./stored-plan.ts";

const FORMATS = ["yaml", "json", "markdown"] as const;
type Format = (typeof FORMATS)[number];

export const exportPlan = defineOperation({
  name: "export",
  summary: "Writes a session as a plan: Perdure YAML or JSON, or a Markdown check list.",
  input: v.object({ session: sessionReference, format: v.optional(v.picklist(FORMATS), "yaml") }),
  output: v.object({
    text: v.string(),
    format: v.picklist(FORMATS),
    /** What the text does not say. */
    notices: v.array(v.string()),
  }),
  async run(context, { session: reference, format }) {
    const sessionId = await findSessionId(context, reference);
    const session = await context.store.execute(getSession, { sessionId });
    const stored = withOrderSaid(storedPlan(session, await listAllTasks(context, { sessionId })));
    const draft = { ...stored, tasks: stored.tasks.map(withoutDefaultExecutor) };
    const { text, notCarried } = await write(draft, format);
    return { text, format, notices: [...draft.notices.map(({ message }) => message), ...notCarried] };
  },
});

/** A plan that says nothing of how a task is done means the same, and every format can say that. */
function withoutDefaultExecutor(task: TaskDraft): TaskDraft {
  return task.executor === MANUAL_EXECUTOR && task.input === null ? { ...task, executor: null } : task;
}

async function write(
  draft: PlanDraft,
  format: Format,
): Promise<{ readonly text: string; readonly notCarried: readonly string[] }> {
  // Loaded when needed: the writers bring their parsers with them.
  if (format === "markdown") {
    const { draftToMarkdown } = await import("../plans/write-markdown.ts");
    return draftToMarkdown(draft);
  }
  const { draftToJson, draftToYaml } = await import("../plans/write-plan.ts");
  return { text: format === "yaml" ? await draftToYaml(draft) : draftToJson(draft), notCarried: [] };
}
