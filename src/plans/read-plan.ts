/** Reads a plan, from one file or a folder of task files, in whichever format it is. Reading files is the caller's part. */

import type { PlanDraft } from "../domain/plan-draft.ts";
import { backlogPlan } from "./backlog-plan.ts";
import { beadsPlan } from "./beads-plan.ts";
import { claudeCodePlan } from "./claude-code-plan.ts";
import { parseJsonTree } from "./json-tree.ts";
import type { PlanOrder } from "./markdown-order.ts";
import { markdownPlan } from "./markdown-plan.ts";
import { perdurePlan } from "./perdure-plan.ts";
import type { PlanFormat } from "./plan-format.ts";
import { detectPlanFormat } from "./plan-format.ts";
import type { PlanFile, PlanText } from "./plan-source.ts";
import { decodePlanFile } from "./plan-source.ts";
import { collectProblems, planError } from "./problems.ts";
import type { TaskDefaults } from "./task-defaults.ts";
import { TASK_DEFAULTS } from "./task-defaults.ts";
import { taskMasterPlan } from "./task-master-plan.ts";
import { parseYamlTree } from "./yaml-tree.ts";

export interface ReadPlanOptions {
  /** `null` or absent: by extension and content. */
  readonly format?: PlanFormat | null;
  /** For Markdown: what the order of its boxes means. `null` or absent: what the file says, else `sequential`. */
  readonly order?: PlanOrder | null;
  /** What a task that says nothing else gets. */
  readonly defaults?: Partial<TaskDefaults>;
}

/**
 * The plan in a file.
 *
 * @throws PerdureError `invalid-plan` or `limit-reached`; the message begins `file:line:column: ` and `details.problems`
 * lists up to twenty places where something is wrong
 */
export async function readPlan(input: PlanFile & ReadPlanOptions): Promise<PlanDraft> {
  const source = decodePlanFile(input);
  const format = input.format ?? detectPlanFormat(source);
  return await readAs(format, { path: input.path, files: [source] }, input);
}

/**
 * The plan in a folder of task files, Backlog.md's (`*.md`) or Claude Code's (`*.json`). Files that are no tasks are named
 * in the plan's notices.
 *
 * @throws PerdureError as `readPlan` does
 */
export async function readPlanFolder(
  input: { readonly path: string; readonly files: readonly PlanFile[] } & ReadPlanOptions,
): Promise<PlanDraft> {
  const files = input.files.map(decodePlanFile);
  const format = input.format ?? folderFormat(files);
  if (format === null) {
    throw planError({ file: input.path, line: 1, column: 1 }, "the folder has no task files", {
      hint: "A folder is read as Backlog.md tasks (*.md with an id in the front matter) or Claude Code tasks (*.json).",
    });
  }
  return await readAs(format, { path: input.path, files }, input);
}

function folderFormat(files: readonly PlanText[]): PlanFormat | null {
  const formats = files.map(detectPlanFormat);
  return formats.find((format) => format === "backlog" || format === "claude-code") ?? null;
}

/** Files to be read as one plan; `path` names it. */
interface PlanSources {
  readonly path: string;
  readonly files: readonly PlanText[];
}

async function readAs(format: PlanFormat, sources: PlanSources, options: ReadPlanOptions): Promise<PlanDraft> {
  const problems = collectProblems();
  const context = { problems, defaults: { ...TASK_DEFAULTS, ...options.defaults } };
  if (format === "backlog") return await backlogPlan(sources, context);
  if (format === "claude-code") return claudeCodePlan(sources, context);

  const [source, second] = sources.files;
  if (source === undefined || second !== undefined) {
    throw planError(
      { file: sources.path, line: 1, column: 1 },
      `a ${format} plan is one file, and this is a folder of ${sources.files.length}`,
    );
  }
  if (format === "yaml") return perdurePlan(await parseYamlTree(source, problems), context);
  if (format === "json") return perdurePlan(parseJsonTree(source, problems), context);
  if (format === "task-master") return taskMasterPlan(parseJsonTree(source, problems), context);
  if (format === "beads") return beadsPlan(source, context);
  const isSpecKit = format === "markdown" ? null : format === "spec-kit";
  return markdownPlan(source, { ...context, order: options.order ?? null, isSpecKit });
}
