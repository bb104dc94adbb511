/** Every verb there is, in the order help shows them, and where each is loaded from: only the one that is called is. */

import { PerdureError } from "../base/errors.ts";
import { splitVerb } from "./parse-arguments.ts";
import type { Verb } from "./verb.ts";

export interface VerbEntry {
  /** One word, or two: `task add`. */
  readonly name: string;
  /** One line, in the imperative. */
  readonly summary: string;
  /** `null` for one of a later version. */
  readonly load: (() => Promise<Verb>) | null;
}

const entry = (name: string, summary: string, load: () => Promise<Verb>): VerbEntry => ({ name, summary, load });
const later = (name: string, summary: string): VerbEntry => ({ name, summary, load: null });

export const VERBS: readonly VerbEntry[] = [
  entry("init", "set up a project here", async () => (await import("./verbs/init.ts")).init),
  entry("run", "work a plan to its end", async () => (await import("./verbs/run.ts")).run),
  entry("resume", "continue where work stopped", async () => (await import("./verbs/run.ts")).resume),
  entry(
    "interrupt",
    "stop gracefully at the next step boundary",
    async () => (await import("./verbs/interrupt.ts")).interrupt,
  ),
  entry("status", "show where a session stands", async () => (await import("./verbs/status.ts")).status),
  entry("watch", "show where a session stands, live", async () => (await import("./verbs/watch.ts")).watch),
  entry(
    "plan",
    "show a plan's tasks, then submit them without working",
    async () => (await import("./verbs/plan.ts")).plan,
  ),

  entry("task add", "add a task", async () => (await import("./verbs/task-add.ts")).taskAdd),
  entry("task show", "show a task", async () => (await import("./verbs/task-show.ts")).taskShow),
  entry("task list", "list tasks", async () => (await import("./verbs/task-list.ts")).taskList),
  entry("task next", "show the most urgent ready task", async () => (await import("./verbs/task-next.ts")).taskNext),
  entry("task start", "take a task to do it yourself", async () => (await import("./verbs/task-acts.ts")).taskStart),
  entry("task progress", "say how far a task is", async () => (await import("./verbs/task-acts.ts")).taskProgress),
  entry("task done", "complete a task, with evidence", async () => (await import("./verbs/task-acts.ts")).taskDone),
  entry("task fail", "fail a task", async () => (await import("./verbs/task-acts.ts")).taskFail),
  entry("task block", "block a task", async () => (await import("./verbs/task-acts.ts")).taskBlock),
  entry("task cancel", "cancel a task", async () => (await import("./verbs/task-acts.ts")).taskCancel),
  entry(
    "task retry",
    "try a task again from its journal",
    async () => (await import("./verbs/task-acts.ts")).taskRetry,
  ),
  entry("task resolve", "settle an unknown outcome", async () => (await import("./verbs/task-answers.ts")).taskResolve),
  entry("task edit", "change a task", async () => (await import("./verbs/task-add.ts")).taskEdit),
  entry(
    "task signal",
    "send a signal a task waits for",
    async () => (await import("./verbs/task-answers.ts")).taskSignal,
  ),
  entry(
    "task approve",
    "say yes to what a task asks",
    async () => (await import("./verbs/task-answers.ts")).taskApprove,
  ),
  entry("task reject", "say no to what a task asks", async () => (await import("./verbs/task-answers.ts")).taskReject),

  entry("session list", "list sessions", async () => (await import("./verbs/session.ts")).sessionList),
  entry("session show", "show a session", async () => (await import("./verbs/session.ts")).sessionShow),
  entry(
    "session pause",
    "take no more tasks of a session",
    async () => (await import("./verbs/session.ts")).sessionPause,
  ),
  entry(
    "session resume",
    "let a paused session be worked again",
    async () => (await import("./verbs/session.ts")).sessionResume,
  ),
  entry(
    "session cancel",
    "cancel a session and what is left of it",
    async () => (await import("./verbs/session.ts")).sessionCancel,
  ),
  later("session export", "write a session to a file"),
  later("session import", "read a session from a file"),
  later("session delete", "delete a session"),

  entry("execution list", "list executions", async () => (await import("./verbs/execution.ts")).executionList),
  entry(
    "execution show",
    "show an execution and its journal",
    async () => (await import("./verbs/execution.ts")).executionShow,
  ),

  entry("log", "show who did what when", async () => (await import("./verbs/log.ts")).log),
  entry(
    "import",
    "bring tasks in from a file of any format",
    async () => (await import("./verbs/import-export.ts")).importVerb,
  ),
  entry("export", "write tasks out in any format", async () => (await import("./verbs/import-export.ts")).exportVerb),
  entry("worker", "work on what is ready until stopped", async () => (await import("./verbs/worker.ts")).worker),
  entry(
    "doctor",
    "check the project, its store and this machine",
    async () => (await import("./verbs/doctor.ts")).doctor,
  ),
  entry("config check", "check perdure.yaml", async () => (await import("./verbs/config.ts")).configCheck),
  entry(
    "completion",
    "print a completion script for a shell",
    async () => (await import("./verbs/completion.ts")).completion,
  ),

  later("brief", "tell where the work stands"),
  later("checkpoint", "create, list, show, restore, fork, diff checkpoints"),
  later("memory", "working memory of a session"),
  later("remember", "record a fact"),
  later("recall", "find facts"),
  later("facts", "list facts"),
  later("forget", "retire a fact"),
  later("context", "messages, token use, the summary chain"),
  later("graph", "the code graph"),
  later("code", "the sandbox, by hand"),
  later("serve", "HTTP, WebSocket and dashboard"),
  later("mcp", "MCP over stdio"),
  later("repair", "mend a damaged store"),
];

export type FoundVerb =
  | { readonly kind: "verb"; readonly entry: VerbEntry; readonly words: readonly string[] }
  /** The first of two words alone, such as `task`. */
  | { readonly kind: "group"; readonly group: string; readonly words: readonly string[] };

/** The verb that `words` begins with, and the words that are its own. @throws PerdureError `usage` */
export async function findVerb(words: readonly string[]): Promise<FoundVerb> {
  const first = words[0] ?? "";
  const group = verbsOf(first);
  if (group.length === 0) {
    const single = VERBS.find(({ name }) => name === first);
    if (single !== undefined) return { kind: "verb", entry: single, words: words.slice(1) };
    throw await unknownVerb(
      first,
      VERBS.map(({ name }) => name.split(" ")[0] ?? name),
      "perdure",
    );
  }
  const { before, rest } = splitVerb(words.slice(1));
  const [second] = rest;
  if (second === undefined) return { kind: "group", group: first, words: before };
  const found = group.find(({ name }) => name === `${first} ${second}`);
  if (found !== undefined) return { kind: "verb", entry: found, words: [...before, ...rest.slice(1)] };
  throw await unknownVerb(
    second,
    group.map(({ name }) => name.slice(first.length + 1)),
    `perdure ${first}`,
  );
}

/** The verbs of two words whose first is `group`. */
export function verbsOf(group: string): readonly VerbEntry[] {
  return VERBS.filter(({ name }) => name.startsWith(`${group} `));
}

async function unknownVerb(word: string, known: readonly string[], program: string): Promise<PerdureError> {
  const { nearest } = await import("../base/nearest.ts");
  const near = nearest(word, known);
  return new PerdureError("usage", {
    message: `${program} has no command ${JSON.stringify(word)}${near === null ? "" : `; did you mean \`${program} ${near}\`?`}`,
    hint: `\`${program} --help\` lists them.`,
    details: { word, nearest: near },
  });
}
