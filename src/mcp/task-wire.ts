/** The shapes of the tasks extension (`io.modelcontextprotocol/tasks`), revision 2026-07-28. */

import type { CallToolResult, InputRequests } from "@modelcontextprotocol/server";

export const TASKS_EXTENSION = "io.modelcontextprotocol/tasks";

interface TaskFields {
  readonly taskId: string;
  readonly statusMessage?: string;
  readonly createdAt: string;
  readonly lastUpdatedAt: string;
  /** Never discarded: `null`. */
  readonly ttlMs: null;
  readonly pollIntervalMs: number;
}

/** Given out in place of a tool's result, once the task is durable. */
export type TaskHandle = TaskFields & { readonly resultType: "task"; readonly status: "working" };

export type TaskState = TaskFields &
  (
    | { readonly status: "working" | "cancelled" }
    | { readonly status: "input_required"; readonly inputRequests: InputRequests }
    | { readonly status: "completed"; readonly result: CallToolResult }
  );
