/** A task's input is whatever someone submitted, until its executor's schema has accepted it. */

import { PerdureError } from "../base/errors.ts";
import type { InferOutput, StandardIssue, StandardSchemaV1 } from "../base/standard-schema.ts";
import { NonRetryable } from "../domain/retry-policy.ts";
import type { Task } from "../domain/task.ts";

const MAX_ISSUES_NAMED = 10;

/** The task's input as the schema gives it back. @throws NonRetryable naming every issue with its path. */
export async function parseTaskInput<Schema extends StandardSchemaV1>(
  schema: Schema,
  task: Pick<Task, "executor" | "input">,
): Promise<InferOutput<Schema>> {
  const result = await schema["~standard"].validate(task.input);
  if (result.issues === undefined) return result.value;
  throw new NonRetryable(describeInvalidInput(task.executor, result.issues));
}

/** Refuses input that the executor would refuse, before a task is made of it. @throws PerdureError `invalid-input` */
export async function refuseInvalidInput(schema: StandardSchemaV1, executor: string, input: unknown): Promise<void> {
  const result = await schema["~standard"].validate(input);
  if (result.issues === undefined) return;
  throw new PerdureError("invalid-input", {
    message: describeInvalidInput(executor, result.issues),
    hint: "Correct the input; no task was created.",
    details: { executor },
  });
}

function describeInvalidInput(executor: string, issues: readonly StandardIssue[]): string {
  const named = issues.slice(0, MAX_ISSUES_NAMED).map(describeIssue);
  const unnamedCount = issues.length - named.length;
  if (unnamedCount > 0) named.push(`and ${unnamedCount} more`);
  return `Invalid input for ${executor}: ${named.join("; ")}`;
}

function describeIssue(issue: StandardIssue): string {
  const path = (issue.path ?? []).map((part) => String(typeof part === "object" ? part.key : part));
  return path.length === 0 ? issue.message : `${path.join(".")}: ${issue.message}`;
}
