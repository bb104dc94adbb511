/** A plan as Perdure YAML, with every state and setting: what is written is read back as the same plan. */

import type { Json } from "../base/json.ts";
import { isJsonObject } from "../base/json.ts";
import type { PlanDraft, TaskDraft } from "../domain/plan-draft.ts";
import { rateText } from "../domain/rate.ts";
import type { RetryPolicy } from "../domain/retry-policy.ts";
import type { Schedule } from "../domain/schedule.ts";
import { COMMAND_EXECUTOR, GROUP_EXECUTOR, MANUAL_EXECUTOR } from "../domain/task.ts";
import { TASK_DEFAULTS } from "./task-defaults.ts";
import { NO_LIMIT } from "./task-limit.ts";
import { ACP_EXECUTOR, ACP_PREFIX, AGENT_EXECUTOR, CODE_EXECUTOR } from "./task-work.ts";

type Written = Record<string, unknown>;

/** Settings equal to the built-in defaults are not written. */
export async function draftToYaml(draft: PlanDraft): Promise<string> {
  const { stringify } = await import("yaml");
  return stringify(writtenPlan(draft), { lineWidth: 0, aliasDuplicateObjects: false });
}

/** The same as JSON. */
export function draftToJson(draft: PlanDraft): string {
  return `${JSON.stringify(writtenPlan(draft), null, 2)}\n`;
}

function writtenPlan(draft: PlanDraft): Written {
  const parents = new Set(draft.tasks.map((task) => task.parentKey));
  return {
    name: draft.name,
    ...(draft.goal === null ? {} : { goal: draft.goal }),
    ...(draft.concurrency === null ? {} : { concurrency: draft.concurrency }),
    tasks: draft.tasks.map((task) => writtenTask(task, parents.has(task.key))),
  };
}

function writtenTask(task: TaskDraft, hasChildren: boolean): Written {
  const said: Written = {
    id: task.key,
    ...(task.title === task.key ? {} : { title: task.title }),
    ...(task.description === null ? {} : { description: task.description }),
    ...writtenWork(task, hasChildren),
    ...(task.needs.length === 0 ? {} : { needs: task.needs }),
    ...(task.parentKey === null ? {} : { parent: task.parentKey }),
    ...writtenSettings(task),
    ...(task.schedule === null ? {} : { schedule: writtenSchedule(task.schedule) }),
    ...(Object.keys(task.context).length === 0 ? {} : { context: task.context }),
    ...(task.status === "pending" ? {} : { status: task.status }),
    ...(task.completedAt === null ? {} : { completed_at: new Date(task.completedAt).toISOString() }),
  };
  return said;
}

/** By the short keys where they say exactly the same, else by `executor` and `input`. */
function writtenWork({ executor, input }: TaskDraft, hasChildren: boolean): Written {
  if (executor === null) return hasChildren ? { executor: null } : {};
  if (executor === GROUP_EXECUTOR && input === null && hasChildren) return {};
  return shortWork(executor, input) ?? { executor, ...(input === null ? {} : { input }) };
}

function shortWork(executor: string, input: Json): Written | null {
  if (!isJsonObject(input)) return null;
  const has = (keys: readonly string[]): boolean => Object.keys(input).every((key) => keys.includes(key));
  if (executor === MANUAL_EXECUTOR && has(["instructions"]) && isText(input.instructions))
    return { manual: input.instructions };
  if (executor === COMMAND_EXECUTOR && has(["run", "env", "cwd", "effect", "verify"]) && isCommandInput(input))
    return { ...input };
  if (
    executor === CODE_EXECUTOR &&
    has(["code", "language"]) &&
    isText(input.code) &&
    (input.language === "js" || input.language === "ts")
  ) {
    return { code: input.code, ...(input.language === "js" ? { language: "js" } : {}) };
  }
  if (
    (executor === AGENT_EXECUTOR || executor === ACP_EXECUTOR) &&
    has(["agent", "prompt", "budget"]) &&
    isAgentInput(executor, input)
  ) {
    const agent = executor === ACP_EXECUTOR ? `${ACP_PREFIX}${String(input.agent)}` : input.agent;
    return { agent, prompt: input.prompt, ...(input.budget === null ? {} : { budget: input.budget }) };
  }
  return null;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isCommandInput({ run, env, cwd, effect, verify }: { readonly [key: string]: Json | undefined }): boolean {
  const isEnv =
    env === undefined ||
    (isJsonObject(env) && Object.entries(env).every(([name, value]) => /^[A-Za-z_]\w*$/.test(name) && isText(value)));
  const isEffect =
    effect === undefined ? verify === undefined : effect === "once" && (verify === undefined || isText(verify));
  return isText(run) && run.trim() !== "" && isEnv && isEffect && (cwd === undefined || isText(cwd));
}

function isAgentInput(
  executor: string,
  { agent, prompt, budget }: { readonly [key: string]: Json | undefined },
): boolean {
  const isName = isText(agent) && agent.trim() !== "" && (executor === ACP_EXECUTOR || !agent.startsWith(ACP_PREFIX));
  const isBudget =
    budget === null ||
    (isJsonObject(budget) &&
      Object.entries(budget).every(
        ([key, value]) => (key === "tokens" || key === "cost") && typeof value === "number",
      ));
  return isName && isText(prompt) && isBudget;
}

function writtenSettings(task: TaskDraft): Written {
  return {
    ...(task.priority === TASK_DEFAULTS.priority ? {} : { priority: task.priority }),
    ...(task.weight === TASK_DEFAULTS.weight ? {} : { weight: task.weight }),
    ...(task.maxRetries === TASK_DEFAULTS.maxRetries ? {} : { retries: task.maxRetries }),
    ...writtenRetry(task.retry),
    ...(task.timeoutMs === null ? {} : { timeout: durationText(task.timeoutMs) }),
    ...(task.onDependencyFailure === TASK_DEFAULTS.onDependencyFailure
      ? {}
      : { on_dependency_failure: task.onDependencyFailure }),
    ...(task.overlap === TASK_DEFAULTS.overlap ? {} : { overlap: task.overlap }),
    ...(task.catchUp === TASK_DEFAULTS.catchUp ? {} : { catch_up: task.catchUp }),
    ...(task.labels.length === 0 ? {} : { labels: task.labels }),
    ...writtenLimit(task.limit),
  };
}

function writtenLimit(limit: TaskDraft["limit"]): Written {
  if (limit === null) return {};
  const { key, concurrency, rate } = limit;
  if (concurrency === 1 && rate === null && key !== NO_LIMIT) return { limit: key };
  return {
    limit: {
      key,
      ...(concurrency === null ? {} : { concurrency }),
      ...(rate === null ? {} : { rate: rateText(rate) }),
    },
  };
}

function writtenRetry(retry: RetryPolicy): Written {
  const usual = TASK_DEFAULTS.retry;
  const said = {
    ...(retry.backoff === usual.backoff ? {} : { backoff: retry.backoff }),
    ...(retry.initialDelayMs === usual.initialDelayMs ? {} : { initial_delay: durationText(retry.initialDelayMs) }),
    ...(retry.factor === usual.factor ? {} : { factor: retry.factor }),
    ...(retry.maxDelayMs === usual.maxDelayMs ? {} : { max_delay: durationText(retry.maxDelayMs) }),
  };
  return Object.keys(said).length === 0 ? {} : { retry: said };
}

function writtenSchedule(schedule: Schedule): Written {
  if (schedule.type === "at") return { at: new Date(schedule.at).toISOString() };
  if (schedule.type === "in") return { in: durationText(schedule.delayMs) };
  if (schedule.type === "every") return { every: durationText(schedule.intervalMs) };
  const timezone = schedule.timezone === null ? {} : { timezone: schedule.timezone };
  if (schedule.type === "daily") return { type: "daily", time: schedule.time, ...timezone };
  return { cron: schedule.cron, ...timezone };
}

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/** Exact: in the largest unit that divides it. */
function durationText(ms: number): string {
  const [unit, unitMs] = UNITS.find(([, size]) => ms > 0 && ms % size === 0) ?? ["ms", 1];
  return `${ms / unitMs}${unit}`;
}
