/**
 * Reads what a task does: exactly one of `run`, `code`, `manual`, `agent` and `executor`, with the keys that go with it,
 * to the name of an executor and its input. Whether such an executor exists is for the submitter to say.
 */

import type { Json, JsonObject } from "../base/json.ts";
import { COMMAND_EXECUTOR, MANUAL_EXECUTOR } from "../domain/task.ts";
import type { Fields } from "./fields.ts";
import { fieldsOf } from "./fields.ts";
import { nodeToJson } from "./plan-tree.ts";
import type { Problems } from "./problems.ts";

export interface TaskWork {
  /** `null` when the task names none. */
  readonly executor: string | null;
  readonly input: Json;
}

/** What a plan may set for all of its commands. */
export interface CommandDefaults {
  readonly env: Readonly<Record<string, string>> | null;
  readonly cwd: string | null;
}

const KINDS = ["run", "code", "manual", "agent", "executor"] as const;
type Kind = (typeof KINDS)[number];

/** Keys that only say something beside one of the kinds. */
const COMPANIONS: Readonly<Record<string, Kind>> = {
  env: "run",
  cwd: "run",
  effect: "run",
  verify: "run",
  language: "code",
  prompt: "agent",
  budget: "agent",
  input: "executor",
};

export const WORK_KEYS: readonly string[] = [...KINDS, ...Object.keys(COMPANIONS)];

export const CODE_EXECUTOR = "code";
export const AGENT_EXECUTOR = "agent";
export const ACP_EXECUTOR = "acp";
export const ACP_PREFIX = "acp:";
const CODE_LANGUAGES = ["js", "ts"] as const;
const EFFECTS = ["repeatable", "once"] as const;

export function workOf(fields: Fields, defaults: CommandDefaults, problems: Problems): TaskWork {
  const said = KINDS.filter((kind) => fields.has(kind));
  const kind = said[0] ?? null;
  const second = said[1];
  if (second !== undefined) {
    problems.add(fields.placeOf(second), `a task does one thing, and this one says both ${kind} and ${second}`, {
      hint: "Make two tasks of it, the second of which needs the first.",
    });
  }
  for (const [companion, owner] of Object.entries(COMPANIONS)) {
    if (fields.has(companion) && owner !== kind)
      problems.add(fields.placeOf(companion), `${companion} goes with ${owner}, which this task does not say`);
  }
  if (kind === null) return { executor: null, input: null };
  const readers: Readonly<Record<Kind, () => TaskWork>> = {
    run: () => commandOf(fields, defaults, problems),
    code: () => codeOf(fields),
    manual: () => ({ executor: MANUAL_EXECUTOR, input: { instructions: fields.text("manual")?.text ?? "" } }),
    agent: () => agentOf(fields, problems),
    executor: () => namedExecutorOf(fields, problems),
  };
  return readers[kind]();
}

function commandOf(fields: Fields, defaults: CommandDefaults, problems: Problems): TaskWork {
  const run = fields.text("run");
  if (run !== null && run.text.trim() === "") problems.add(run.place, "run is empty: it takes a shell line");
  const env = envOf(fields, problems);
  const merged = env === null && defaults.env === null ? null : { ...defaults.env, ...env };
  const cwd = fields.text("cwd")?.text ?? defaults.cwd;
  const effect = fields.choice("effect", EFFECTS);
  const verify = fields.text("verify");
  if (verify !== null && effect !== "once") {
    problems.add(verify.place, "verify goes with effect: once", {
      hint: "It finds out whether a command that must not run twice took place; a repeatable one just runs again.",
    });
  }
  const input: JsonObject = {
    run: run?.text ?? "",
    ...(merged === null ? {} : { env: merged }),
    ...(cwd === null ? {} : { cwd }),
    ...(effect === "once" ? { effect } : {}),
    ...(verify === null ? {} : { verify: verify.text }),
  };
  return { executor: COMMAND_EXECUTOR, input };
}

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

export function envOf(fields: Fields, problems: Problems): Readonly<Record<string, string>> | null {
  const node = fields.map("env");
  if (node === null) return null;
  const env = fieldsOf(node, problems, { what: "env", known: null });
  const pairs: [string, string][] = [];
  for (const [name, { keyPlace }] of node.entries) {
    if (!ENV_NAME.test(name))
      problems.add(keyPlace, `${JSON.stringify(name.slice(0, 80))} cannot be the name of an environment variable`);
    const value = env.text(name)?.text ?? "";
    if (value.includes("\0")) problems.add(keyPlace, `the value of ${name} holds a NUL character`);
    pairs.push([name, value]);
  }
  return Object.fromEntries(pairs);
}

function codeOf(fields: Fields): TaskWork {
  const language = fields.choice("language", CODE_LANGUAGES) ?? "ts";
  return { executor: CODE_EXECUTOR, input: { code: fields.text("code")?.text ?? "", language } };
}

function agentOf(fields: Fields, problems: Problems): TaskWork {
  const name = fields.text("agent")?.text ?? "";
  const prompt = fields.text("prompt");
  if (prompt === null) problems.add(fields.placeOf("agent"), "an agent needs a prompt");
  const isAcp = name.startsWith(ACP_PREFIX);
  const agent = isAcp ? name.slice(ACP_PREFIX.length) : name;
  if (agent.trim() === "")
    problems.add(fields.placeOf("agent"), "agent is empty: it takes a name from perdure.yaml, or acp:NAME");
  const input = { agent, prompt: prompt?.text ?? "", budget: budgetOf(fields, problems) };
  return { executor: isAcp ? ACP_EXECUTOR : AGENT_EXECUTOR, input };
}

/** `{ tokens, cost }`, of which either may be missing. */
function budgetOf(fields: Fields, problems: Problems): JsonObject | null {
  const node = fields.map("budget");
  if (node === null) return null;
  const budget = fieldsOf(node, problems, { what: "budget", known: ["tokens", "cost"] });
  const tokens = budget.number("tokens", { min: 1, max: Number.MAX_SAFE_INTEGER, whole: true });
  const cost = budget.number("cost", { min: 0, max: Number.MAX_VALUE, whole: false });
  return { ...(tokens === null ? {} : { tokens }), ...(cost === null ? {} : { cost }) };
}

function namedExecutorOf(fields: Fields, problems: Problems): TaskWork {
  const name = fields.text("executor");
  if (name !== null && name.text.trim() === "")
    problems.add(name.place, "executor is empty: it takes the name of a function");
  const node = fields.node("input");
  return { executor: name?.text ?? null, input: node === null ? null : nodeToJson(node, problems) };
}
