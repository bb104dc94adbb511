/** Reading a plan file from the project: where it lies, what it says, and what of it this version can carry out. */

import { readdir, readFile, stat } from "node:fs/promises";
import { isAbsolute, join, relative, resolve } from "node:path";

import { messageOf, PerdureError } from "../base/errors.ts";
import { LIMITS } from "../domain/limits.ts";
import type { PlanDraft } from "../domain/plan-draft.ts";
import { MANUAL_EXECUTOR } from "../domain/task.ts";
import type { PlanOrder } from "../plans/markdown-order.ts";
import type { PlanFile } from "../plans/plan-source.ts";
import { refuseUnknownExecutor } from "./executor-names.ts";
import type { OperationContext } from "./operation.ts";

export interface ReadPlanInput {
  /** Relative to the current directory, or absolute. */
  readonly path: string;
  readonly order: PlanOrder | null;
  /** For tasks that name none. */
  readonly executor: string | null;
}

export interface FoundPlan {
  /** Absolute. */
  readonly path: string;
  /** Relative to the project where it lies inside: what a session remembers. */
  readonly planFile: string;
  readonly draft: PlanDraft;
}

/** @throws PerdureError `not-found`, `invalid-plan`, `limit-reached`, or `unsupported` for work this version cannot do. */
export async function readPlanFrom(
  context: Pick<OperationContext, "projectDir" | "config">,
  input: ReadPlanInput,
): Promise<FoundPlan> {
  const path = resolve(input.path);
  const planFile = planFileOf(context.projectDir, path);
  // Loaded when a plan is read: most commands read none.
  const { readPlan, readPlanFolder } = await import("../plans/read-plan.ts");
  const { config } = context;
  const options = {
    order: input.order,
    defaults: { maxRetries: config.retry.maxRetries, retry: config.retry.policy },
  };
  const found = await statOf(path);
  const draft = found.isDirectory()
    ? await readPlanFolder({ path: planFile, files: await filesIn(path, planFile), ...options })
    : await readPlan({ ...(await fileAt(path, planFile)), ...options });
  return { path, planFile, draft: withExecutors(draft, input.executor) };
}

function planFileOf(projectDir: string, path: string): string {
  const inProject = relative(projectDir, path);
  return inProject.startsWith("..") || isAbsolute(inProject) ? path : inProject;
}

async function statOf(path: string): ReturnType<typeof stat> {
  try {
    return await stat(path);
  } catch (cause) {
    throw new PerdureError("not-found", {
      message: `There is no plan ${path}`,
      hint: "Name a plan file (YAML, JSON or Markdown) or a folder of task files.",
      cause,
    });
  }
}

async function fileAt(path: string, planFile: string): Promise<PlanFile> {
  const { size } = await statOf(path);
  if (Number(size) > LIMITS.planFileBytes) {
    throw new PerdureError("limit-reached", {
      message: `${planFile} has ${size} bytes; a plan has at most ${LIMITS.planFileBytes}`,
      hint: "Split it, and keep long texts in files that tasks refer to.",
    });
  }
  try {
    return { path: planFile, bytes: await readFile(path) };
  } catch (cause) {
    throw unreadable(planFile, cause);
  }
}

function unreadable(planFile: string, cause: unknown): PerdureError {
  return new PerdureError("invalid-plan", {
    message: `${planFile} cannot be read: ${messageOf(cause)}`,
    hint: "It must be a file or folder that this user may read.",
    cause,
  });
}

async function filesIn(directory: string, planFile: string): Promise<readonly PlanFile[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((cause: unknown) => {
    throw unreadable(planFile, cause);
  });
  const names = entries
    .filter((entry) => entry.isFile() && /\.(md|json)$/i.test(entry.name))
    .map((entry) => entry.name);
  return await Promise.all(names.toSorted().map((name) => fileAt(join(directory, name), join(planFile, name))));
}

export function withExecutors(draft: PlanDraft, executor: string | null): PlanDraft {
  return {
    ...draft,
    tasks: draft.tasks.map((task) => ({ ...task, executor: task.executor ?? executor ?? MANUAL_EXECUTOR })),
  };
}

/** What the file said that has no place in a plan, each with where it stands. */
export function noticesOf(draft: PlanDraft): string[] {
  return draft.notices.map(({ message, source }) =>
    source === null ? message : `${source.file}:${source.line}: ${message}`,
  );
}

/**
 * Refuses a plan with work nothing here can do, before any of it is submitted.
 *
 * @throws PerdureError `unsupported` for kinds of tasks of later versions; `invalid-plan` for an executor nobody defined.
 */
export function refuseUnknownExecutors(draft: PlanDraft, known: ReadonlySet<string>): void {
  for (const { key, executor, source } of draft.tasks) {
    const where = source === null ? "" : `${source.file}:${source.line}: `;
    refuseUnknownExecutor({ executor: executor ?? MANUAL_EXECUTOR, task: `${where}task ${key}` }, known);
  }
}
