/** The change log in words: one line per change, from the change and what its parts are called. Pure. */

import type { JsonObject } from "../base/json.ts";
import { isJsonObject } from "../base/json.ts";
import type { Change } from "../domain/change.ts";
import { rateText } from "../domain/rate.ts";

/** What a change is about, as people call it. */
export interface ChangeSubject {
  /** The task's key, else its title. */
  readonly task: string;
  readonly session: string;
  readonly step: string;
}

export interface ChangeText {
  readonly summary: string;
  /** Says only what another change of the same act says better: left out where people read. */
  readonly isMinor: boolean;
}

/** `worker:3f2a91c0 claimed build (attempt 1)`. */
export function describeChange(change: Change, subject: ChangeSubject): ChangeText {
  const say = WORDS[`${change.entity} ${change.verb}`];
  const said = say?.({ ...subject, change, note: change.note, after: change.after ?? {}, before: change.before ?? {} });
  const words = said ?? `${change.verb.replaceAll("_", " ")} (${change.entity}) of ${subject.task}`;
  return { summary: `${change.actor} ${words}`, isMinor: isMinor(change) };
}

interface Wording extends ChangeSubject {
  readonly change: Change;
  readonly note: string | null;
  readonly before: JsonObject;
  readonly after: JsonObject;
}

type Say = (wording: Wording) => string;

const WORDS: Readonly<Record<string, Say>> = {
  "sessions create": ({ session }) => `created session ${session}`,
  "sessions start": ({ session }) => `started session ${session}`,
  "sessions pause": ({ session }) => `paused session ${session}`,
  "sessions resume": ({ session }) => `resumed session ${session}`,
  "sessions reopen": ({ session }) => `opened session ${session} again`,
  "sessions complete": ({ session, note }) => `completed session ${session}${because(note)}`,
  "sessions fail": ({ session, note }) => `ended session ${session}${because(note)}`,
  "sessions cancel": ({ session }) => `cancelled session ${session}`,
  "sessions restore": ({ session, note }) => `returned session ${session} ${note ?? "to a checkpoint"}`,
  "sessions fork": ({ session }) => `forked session ${session} from another`,
  "sessions discard": ({ session }) => `closed session ${session} to delete it`,
  "sessions delete": ({ session }) => `deleted session ${session}`,
  "sessions import": ({ session, note }) => `imported session ${session} ${note ?? ""}`,
  "sessions tell": ({ session }) => `told how session ${session} ended`,
  "sessions edit": ({ session, after }) => `changed ${columnList(after)} of session ${session}`,

  "limit_rules create": ({ change, after }) => `limited ${ruleName(change)}${ruleWords(after)}`,
  "limit_rules edit": ({ change, after }) => `changed the limit on ${ruleName(change)}${ruleWords(after)}`,
  "limit_rules delete": ({ change }) => `took away the limit on ${ruleName(change)}`,

  "tasks create": ({ task, after }) =>
    after.status === "completed" ? `added ${task}, already completed` : `added ${task}`,
  "tasks claim": ({ task }) => `began ${task}`,
  "tasks complete": ({ task, note }) => `completed ${task}${because(note)}`,
  "tasks fail": ({ task, note }) => `failed ${task}${because(note)}`,
  "tasks cancel": ({ task, note }) => `cancelled ${task}${because(note)}`,
  "tasks retry": ({ task }) => `lets ${task} be tried again`,
  "tasks reopen": ({ task }) => `opened ${task} again`,
  "tasks block": blockWords,
  "tasks unblock": ({ task, note }) => (note === null ? `made ${task} ready` : `lets ${task} go on: ${note}`),
  "tasks release": ({ task, after }) =>
    typeof after.run_at === "number"
      ? `lets ${task} go on at ${instant(after.run_at)}`
      : `returned ${task} to the queue`,
  "tasks recover": ({ task }) => `returned ${task} to the queue`,
  "tasks dependency_done": ({ task, after }) => `${task} waits for ${String(after.waiting_on)} more`,
  "tasks await_next_occurrence": ({ task, after, note }) =>
    `ended an occurrence of ${task}${typeof after.run_at === "number" ? `; the next is due at ${instant(after.run_at)}` : ""}${because(note)}`,
  "tasks plan_occurrence": ({ task, after, note }) =>
    `planned ${task} anew${typeof after.run_at === "number" ? ` for ${instant(after.run_at)}` : ""}${because(note)}`,
  "tasks edit": ({ task, after }) => `changed ${columnList(after)} of ${task}`,
  "tasks move": ({ task }) => `moved ${task} below another task`,
  "tasks postpone": ({ task, after }) => `postponed ${task} to ${instant(after.run_at)}`,
  "tasks note": ({ task, note }) => `noted on ${task}: ${note ?? ""}`,

  "dependencies depend": ({ task }) => `made ${task} wait for another task`,
  "dependencies undepend": ({ task }) => `no longer lets ${task} wait for another task`,

  "executions claim": claimWords,
  "executions recover": ({ task, note }) => `took over ${task} ${fromWhom(note)}`,
  "executions release": ({ task, note }) => `let go of ${task}${because(note)}`,
  "executions suspend": ({ task }) => `suspended ${task}`,
  "executions request_interrupt": ({ task }) => `asked ${task} to stop at its next step boundary`,
  "executions interrupt": ({ task }) => `interrupted ${task}`,
  "executions complete": ({ task }) => `completed the execution of ${task}`,
  "executions fail": ({ task, note, after }) => `failed ${task}${because(note ?? messageOf(after.error))}`,
  "executions fail_attempt": ({ task, note, before }) =>
    `ended attempt ${String(before.attempt)} of ${task}, which is tried again${because(note)}`,
  "executions cancel": ({ task, after }) => `stopped ${task}${because(messageOf(after.error))}`,
  "executions retry": ({ task, after }) => `opened attempt ${String(after.attempt)} of ${task}`,
  "executions resolve": ({ task }) => `lets ${task} go on past the step that was settled`,
  "executions progress": ({ task, after }) => `reported progress of ${task}${progressWords(after.progress)}`,
  "executions note": ({ task, note }) => `noted on ${task}: ${note ?? ""}`,

  "steps start": ({ task, step }) => `began step ${step} of ${task}`,
  "steps complete": ({ task, step }) => `recorded step ${step} of ${task}`,
  "steps fail": ({ task, step, after }) => `saw step ${step} of ${task} fail${because(messageOf(after.error))}`,
  "steps retry": ({ task, step }) => `tried step ${step} of ${task} again`,
  "steps handle": ({ task, step }) => `went on past the failure of step ${step} of ${task}`,
  "steps lose_track": ({ task, step }) => `does not know whether step ${step} of ${task} took place`,
  "steps resolve_done": ({ task, step }) => `said that step ${step} of ${task} took place`,
  "steps resolve_retry": ({ task, step }) => `said that step ${step} of ${task} did not take place: it is done again`,
  "steps resolve_skip": ({ task, step }) => `skipped step ${step} of ${task}`,

  "messages append": ({ change, after }) => `appended message ${positionOf(change)} (${String(after.role)})`,

  "signals send": ({ task, after }) => `sent signal ${String(after.name)} to ${task}`,
  "signals consume": ({ task }) => `took a signal for ${task}`,
  "checkpoints create": ({ after }) => `made checkpoint ${String(after.label)}`,
  "checkpoints thin": ({ before }) => `gave up checkpoint ${String(before.label)}, made automatically`,
  "artifacts add": ({ task, after }) => `kept artifact ${String(after.name)} of ${task}`,

  "memory store": ({ session, change }) => `stored ${memoryKey(change)} in the memory of ${session}`,
  "memory delete": ({ session, change }) => `removed ${memoryKey(change)} from the memory of ${session}`,
  "memory expire": ({ session, change }) => `let ${memoryKey(change)} expire in the memory of ${session}`,
  "memory evict": ({ session, change, note }) =>
    `took ${memoryKey(change)} out of the memory of ${session}${because(note)}`,

  "facts remember": ({ change, after }) => `remembered ${factName(change)}${because(textOf(after))}`,
  "facts import": ({ change, after }) => `took in fact ${factName(change)}${because(textOf(after))}`,
  "facts affirm": ({ change, note }) => `had fact ${factName(change)} affirmed ${note ?? ""}`.trimEnd(),
  "facts edit": ({ change, after }) => `reworded fact ${factName(change)}${because(textOf(after))}`,
  "facts supersede": ({ change, note }) => `superseded fact ${factName(change)}${because(note)}`,
  "facts replace": ({ change }) => `let fact ${factName(change)} replace another`,
  "facts retire": ({ change, note }) => `forgot fact ${factName(change)}${because(note)}`,
  "facts question": ({ change, note }) => `put fact ${factName(change)} in question${because(note)}`,
  "facts confirm": ({ change, note }) => `confirmed fact ${factName(change)}${because(note)}`,
  "fact_dependencies depend": ({ change }) => `built fact ${factName(change)} on another`,
};

/** The last part of the row's key: `["3f2a…","build"]`. */
function memoryKey({ rowKey }: Change): string {
  return /,(".*")\]$/s.exec(rowKey)?.[1] ?? rowKey;
}

/** Short; of a dependency, the fact that has it. */
function factName({ rowKey }: Change): string {
  return rowKey.replace(/^\["/, "").slice(0, 8);
}

function textOf(after: JsonObject): string | null {
  return typeof after.text === "string" ? after.text : null;
}

/** A message's key is its session and its position. */
function positionOf({ rowKey }: Change): string {
  return /,(\d+)\]$/.exec(rowKey)?.[1] ?? rowKey;
}

function ruleName({ rowKey }: Change): string {
  return rowKey.replace(":", " ");
}

function ruleWords({ concurrency, rate_count: count, rate_ms: perMs }: JsonObject): string {
  const parts = [
    typeof concurrency === "number" ? `${concurrency} at a time` : null,
    typeof count === "number" && typeof perMs === "number" ? rateText({ count, perMs }) : null,
  ].filter((part) => part !== null);
  return parts.length === 0 ? "" : `: ${parts.join(", ")}`;
}

function claimWords({ task, note, change }: Wording): string {
  if (change.before === null) return `claimed ${task} (attempt 1)`;
  return `claimed ${task} again${note === null ? "" : `: ${note}`}`;
}

/** From what a recovery notes: a process that is gone, a lease that ran out, a holder nobody knows. */
function fromWhom(note: string | null): string {
  const gone = /^(.+) is gone$/.exec(note ?? "")?.[1];
  if (gone !== undefined) return `from ${gone}, which is gone`;
  const silent = /^the lease of (.+) ran out$/.exec(note ?? "")?.[1];
  if (silent !== undefined) return `from ${silent}, whose lease ran out`;
  return `from whoever held it${because(note)}`;
}

function blockWords({ task, after, before, note }: Wording): string {
  const why = typeof after.blocked_note === "string" ? after.blocked_note : note;
  switch (after.blocked_reason ?? before.blocked_reason) {
    case "interrupted":
      return why === null ? `interrupted ${task}` : `set ${task} aside: ${why}`;
    case "waiting":
      return `${task} waits${because(why)}`;
    case "dependencies":
      return `${task} waits for ${String(after.waiting_on ?? "other")} tasks`;
    default:
      return `blocked ${task}${because(why)}`;
  }
}

/** Changes that the one named behind them, of the same act, says better. */
const MINOR: ReadonlySet<string> = new Set([
  "tasks claim", // executions claim
  "tasks recover", // executions recover
  "tasks fail", // executions fail
  "tasks dependency_done", // tasks unblock
  "tasks move",
  "dependencies depend", // tasks create
  "dependencies undepend",
  "fact_dependencies depend", // facts remember
  "facts replace", // facts supersede
  "executions complete", // tasks complete, tasks await_next_occurrence
  "executions cancel", // tasks cancel
  "executions interrupt", // tasks block
  "executions suspend", // tasks block, tasks release
  "executions retry", // tasks retry
  "executions resolve", // steps resolve_done and its like
  "executions progress",
  "steps start",
  "steps retry",
  "steps handle",
  "environments create", // checkpoints create
]);

function isMinor({ entity, verb, before, after }: Change): boolean {
  // What goes with a session that is deleted: logged by its key alone.
  if (verb === "delete" && entity !== "sessions" && Object.keys(before ?? {}).length === 0) return true;
  // Only a release until a later time says more than the execution's own.
  if (entity === "tasks" && verb === "release") return typeof after?.run_at !== "number";
  // The session's own says it for every row of it.
  if ((verb === "restore" || verb === "fork") && entity !== "sessions") return true;
  return MINOR.has(`${entity} ${verb}`);
}

function because(note: string | null): string {
  return note === null || note === "" ? "" : `: ${note}`;
}

function messageOf(error: unknown): string | null {
  return isJsonObject(error) && typeof error.message === "string" ? error.message : null;
}

function progressWords(progress: unknown): string {
  if (!isJsonObject(progress)) return "";
  const { percent, currentStep, totalSteps, message } = progress;
  const parts = [
    ...(typeof percent === "number" ? [`${percent} %`] : []),
    ...(typeof totalSteps === "number" ? [`step ${String(currentStep ?? 0)} of ${totalSteps}`] : []),
    ...(typeof message === "string" ? [message] : []),
  ];
  return because(parts.join(", "));
}

function columnList(after: JsonObject): string {
  const columns = Object.keys(after).filter((column) => column !== "updated_at" && column !== "kind");
  return columns.length === 0 ? "nothing" : columns.map((column) => column.replaceAll("_", " ")).join(", ");
}

function instant(at: unknown): string {
  const date = new Date(Number(at));
  return Number.isNaN(date.getTime()) ? "an unknown time" : date.toISOString();
}
