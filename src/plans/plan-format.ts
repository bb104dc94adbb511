/** The formats plans come in, and which one a file is. */

import type { PlanText } from "./plan-source.ts";

export const PLAN_FORMATS = [
  "yaml",
  "json",
  "markdown",
  "spec-kit",
  "openspec",
  "backlog",
  "task-master",
  "beads",
  "claude-code",
] as const;
export type PlanFormat = (typeof PLAN_FORMATS)[number];

/** By the extension, and where several formats share one by what stands in the file. */
export function detectPlanFormat({ path, text }: PlanText): PlanFormat {
  const extension = /\.([A-Za-z0-9]+)$/.exec(path)?.[1]?.toLowerCase() ?? "";
  if (extension === "yaml" || extension === "yml") return "yaml";
  if (extension === "jsonl" || extension === "ndjson") return "beads";
  if (extension === "md" || extension === "markdown" || extension === "mdx") return markdownFormat(text);
  if (extension === "json") return jsonFormat(text);
  return formatOfContent(text);
}

function formatOfContent(text: string): PlanFormat {
  const start = text.trimStart();
  if (start.startsWith("{")) return /^\{[^\n]*\}\s*\n\s*\{/.test(start) ? "beads" : jsonFormat(text);
  if (/^[ \t]*[-*+] \[[ xX]\]/m.test(text) || /^#{1,6} /m.test(text.slice(0, 200)) || start.startsWith("---\nid:"))
    return markdownFormat(text);
  return "yaml";
}

/** Backlog.md keeps one task in a file, its id and status in the front matter. */
function markdownFormat(text: string): PlanFormat {
  return isBacklogText(text) ? "backlog" : "markdown";
}

export function isBacklogText(text: string): boolean {
  const frontMatter = /^---[ \t]*(?:\r\n|\n|\r)([\s\S]*?)(?:\r\n|\n|\r)(?:---|\.\.\.)[ \t]*(?:\r\n|\n|\r|$)/.exec(
    text,
  )?.[1];
  return frontMatter !== undefined && /^id:/m.test(frontMatter) && /^(?:status|title):/m.test(frontMatter);
}

interface JsonShape {
  readonly tasks?: unknown;
}

/** Task-master's tasks have numbers or tags around them; Claude Code's files hold one task each. */
function jsonFormat(text: string): PlanFormat {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "json"; // reading it as a plan says where it is broken
  }
  if (Array.isArray(value)) return value.some((item) => has(item, "subject")) ? "claude-code" : "json";
  if (has(value, "subject") && has(value, "id")) return "claude-code";
  if (isTaskMasterList(value)) return "task-master";
  if (has(value, "tasks")) {
    const { tasks } = value as JsonShape;
    return Array.isArray(tasks) && tasks.some((task) => has(task, "subject")) ? "claude-code" : "json";
  }
  const isTagged = typeof value === "object" && value !== null && Object.values(value).some((tag) => has(tag, "tasks"));
  return isTagged ? "task-master" : "json";
}

const TASK_MASTER_KEYS: readonly string[] = ["dependencies", "subtasks", "testStrategy", "details"];

function isTaskMasterList(value: unknown): boolean {
  if (!has(value, "tasks")) return false;
  const { tasks } = value as JsonShape;
  return Array.isArray(tasks) && tasks.some((task) => TASK_MASTER_KEYS.some((key) => has(task, key)));
}

function has(value: unknown, key: string): boolean {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key);
}
