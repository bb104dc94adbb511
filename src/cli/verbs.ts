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
  entry("brief", "tell where the work stands", async () => (await import("./verbs/brief.ts")).brief),
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
  entry("session create", "make a session", async () => (await import("./verbs/session-acts.ts")).sessionCreate),
  entry(
    "session start",
    "start a session that was made to wait",
    async () => (await import("./verbs/session-acts.ts")).sessionStart,
  ),
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
  entry(
    "session complete",
    "say that a session has reached its goal",
    async () => (await import("./verbs/session-acts.ts")).sessionComplete,
  ),
  entry(
    "session fail",
    "say that a session has failed",
    async () => (await import("./verbs/session-acts.ts")).sessionFail,
  ),
  entry(
    "session rename",
    "give a session another name",
    async () => (await import("./verbs/session-acts.ts")).sessionRename,
  ),
  entry(
    "session stats",
    "show what a session has come to, in numbers",
    async () => (await import("./verbs/session-acts.ts")).sessionStats,
  ),
  entry(
    "session export",
    "write a session to a file",
    async () => (await import("./verbs/session-file.ts")).sessionExport,
  ),
  entry(
    "session import",
    "read a session from a file",
    async () => (await import("./verbs/session-file.ts")).sessionImport,
  ),
  entry("session delete", "delete a session", async () => (await import("./verbs/session-acts.ts")).sessionDelete),

  entry("execution list", "list executions", async () => (await import("./verbs/execution.ts")).executionList),
  entry(
    "execution show",
    "show an execution and its journal",
    async () => (await import("./verbs/execution.ts")).executionShow,
  ),

  entry(
    "context show",
    "list the messages of a session and their tokens",
    async () => (await import("./verbs/context.ts")).contextShow,
  ),

  entry("memory set", "store a value", async () => (await import("./verbs/memory.ts")).memorySet),
  entry("memory get", "show a value", async () => (await import("./verbs/memory.ts")).memoryGet),
  entry("memory list", "list what is stored", async () => (await import("./verbs/memory.ts")).memoryList),
  entry("memory delete", "remove a value", async () => (await import("./verbs/memory.ts")).memoryDelete),
  entry("memory clear", "remove all values", async () => (await import("./verbs/memory.ts")).memoryClear),
  entry(
    "memory summary",
    "sum up what is stored within a budget of tokens",
    async () => (await import("./verbs/memory.ts")).memorySummary,
  ),

  entry("remember", "record a fact about the project", async () => (await import("./verbs/remember.ts")).remember),
  entry("recall", "find facts about the project", async () => (await import("./verbs/recall.ts")).recall),
  entry("forget", "take a fact out of force", async () => (await import("./verbs/remember.ts")).forget),
  entry("facts list", "list facts", async () => (await import("./verbs/facts.ts")).factsList),
  entry("facts show", "show a fact and its history", async () => (await import("./verbs/facts.ts")).factsShow),
  entry(
    "facts confirm",
    "say that a questioned fact still holds",
    async () => (await import("./verbs/facts.ts")).factsConfirm,
  ),
  entry("facts edit", "reword a fact", async () => (await import("./verbs/facts.ts")).factsEdit),
  entry("facts export", "write facts as JSON lines", async () => (await import("./verbs/facts-file.ts")).factsExport),
  entry("facts import", "take facts in from a file", async () => (await import("./verbs/facts-file.ts")).factsImport),

  entry(
    "checkpoint create",
    "make a point to return to",
    async () => (await import("./verbs/checkpoint.ts")).checkpointCreate,
  ),
  entry(
    "checkpoint list",
    "list the checkpoints of a session",
    async () => (await import("./verbs/checkpoint.ts")).checkpointList,
  ),
  entry(
    "checkpoint show",
    "show a checkpoint and whether it is sound",
    async () => (await import("./verbs/checkpoint.ts")).checkpointShow,
  ),
  entry(
    "checkpoint restore",
    "return a session to a checkpoint",
    async () => (await import("./verbs/checkpoint.ts")).checkpointRestore,
  ),
  entry(
    "checkpoint fork",
    "make a session of its own from a checkpoint",
    async () => (await import("./verbs/checkpoint.ts")).checkpointFork,
  ),
  entry(
    "checkpoint diff",
    "tell what differs between checkpoints, or since one",
    async () => (await import("./verbs/checkpoint.ts")).checkpointDiff,
  ),

  entry("log", "show who did what when", async () => (await import("./verbs/log.ts")).log),
  entry(
    "import",
    "bring in tasks from a file of any format, or a whole project",
    async () => (await import("./verbs/import-export.ts")).importVerb,
  ),
  entry(
    "export",
    "write out a session or the whole project",
    async () => (await import("./verbs/import-export.ts")).exportVerb,
  ),
  entry("mcp", "serve agents over MCP", async () => (await import("./verbs/mcp.ts")).mcp),
  entry("hook", "tell an agent's hook where the work stands", async () => (await import("./verbs/hook.ts")).hook),
  entry("worker", "work on what is ready until stopped", async () => (await import("./verbs/worker.ts")).worker),
  entry(
    "doctor",
    "check the project, its store and this machine",
    async () => (await import("./verbs/doctor.ts")).doctor,
  ),
  entry(
    "cleanup",
    "remove what is older than it is to be kept",
    async () => (await import("./verbs/cleanup.ts")).cleanup,
  ),
  entry(
    "replication status",
    "tell how far the copies of the change log are",
    async () => (await import("./verbs/replication.ts")).replicationStatus,
  ),
  entry(
    "replication sync",
    "bring the copies of the change log up to date",
    async () => (await import("./verbs/replication.ts")).replicationSync,
  ),
  entry(
    "restore",
    "make a store again from a copy of its log",
    async () => (await import("./verbs/restore.ts")).restore,
  ),
  entry("repair", "mend a damaged store", async () => (await import("./verbs/repair.ts")).repair),
  entry("config check", "check perdure.yaml", async () => (await import("./verbs/config.ts")).configCheck),
  entry(
    "completion",
    "print a completion script for a shell",
    async () => (await import("./verbs/completion.ts")).completion,
  ),

  later("context summarize", "summarize what a model need not see in full"),
  later("context chain", "show the summaries a context is made of"),
  later("graph", "the code graph"),
  later("code", "the sandbox, by hand"),
  later("serve", "HTTP, WebSocket and dashboard"),
];

export type FoundVerb =
  | { readonly kind: "verb"; readonly entry: VerbEntry; readonly words: readonly string[] }
  /** The first of two words alone, such as `task`. */
  | { readonly kind: "group"; readonly group: string; readonly words: readonly string[] };

/** What the first word of a group alone means. Of other groups it shows what they have. */
const BARE_GROUPS: ReadonlyMap<string, string> = new Map([["facts", "facts list"]]);

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
  const bare = VERBS.find(({ name }) => name === BARE_GROUPS.get(first));
  const isKnown = group.some(({ name }) => name === `${first} ${second}`);
  if (bare !== undefined && !isKnown && isBare(words.slice(1)))
    return { kind: "verb", entry: bare, words: words.slice(1) };
  if (second === undefined) return { kind: "group", group: first, words: before };
  const found = group.find(({ name }) => name === `${first} ${second}`);
  if (found !== undefined) return { kind: "verb", entry: found, words: [...before, ...rest.slice(1)] };
  throw await unknownVerb(
    second,
    group.map(({ name }) => name.slice(first.length + 1)),
    `perdure ${first}`,
  );
}

/** Nothing, or options, and not the question what the group has. */
function isBare(words: readonly string[]): boolean {
  return (words[0] ?? "-").startsWith("-") && !words.some((word) => word === "--help" || word === "-h");
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
