/** A task's input is whatever someone submitted, until its executor's schema has accepted it. */

import type { InferOutput, StandardIssue, StandardSchemaV1 } from "../base/standard-schema.ts";
import { NonRetryable } from "../domain/retry-policy.ts";
import type { Task } from "../domain/task.ts";

const MAX_ISSUES_NAMED = 10;

/** The task's input as the schema gives it back. @throws NonRetryable naming every issue with its path. */
export async function parseTaskInput<Schema extends StandardSchemaV1>(
  schema: Schema,
  task: Task,
): Promise<InferOutput<Schema>> {
  const result = await schema["~standard"].validate(task.input);
  if (result.issues === undefined) return result.value;
  const named = result.issues.slice(0, MAX_ISSUES_NAMED).map(describeIssue);
  const unnamedCount = result.issues.length - named.length;
  if (unnamedCount > 0) named.push(`and ${unnamedCount} more`);
  throw new NonRetryable(`Invalid input for ${task.executor}: ${named.join("; ")}`);
}

function describeIssue(issue: StandardIssue): string {
  const path = (issue.path ?? []).map((part) => String(typeof part === "object" ? part.key : part));
  return path.length === 0 ? issue.message : `${path.join(".")}: ${issue.message}`;
}
