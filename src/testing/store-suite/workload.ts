/**
 * Random workloads: a sequence of acts, each plain data, played against a store. What an act refers to is picked from
 * what there is, so any sequence means something and a failing one can be made shorter. Refusals are part of it.
 */

import { unreachable } from "../../base/assert.ts";
import { isPerdureError } from "../../base/errors.ts";
import type { Random } from "../../base/random.ts";
import { asId } from "../../domain/ids.ts";
import type { TaskId, WorkerId } from "../../domain/ids.ts";
import type { StepKind } from "../../domain/step.ts";
import { DEPENDENCY_FAILURE_POLICIES } from "../../domain/task.ts";
import type { TaskLimit } from "../../domain/task-limit.ts";
import type { Claimed } from "../../store/commands/claim-row.ts";
import { claimTasks } from "../../store/commands/claims.ts";
import { createTasks } from "../../store/commands/create-tasks.ts";
import { editTask } from "../../store/commands/edit-task.ts";
import {
  blockOnUnknownOutcome,
  completeExecution,
  failAttempt,
  interruptExecution,
  releaseHold,
  suspendExecution,
} from "../../store/commands/executions.ts";
import { submitPlan } from "../../store/commands/plan-sessions.ts";
import { cancelSession, changeSession, resumeSession, settleSession } from "../../store/commands/sessions.ts";
import { sendSignal } from "../../store/commands/signals.ts";
import { awaitSignal, recordStep, resolveUnknownSteps, startChildren } from "../../store/commands/steps.ts";
import { blockTask, cancelTask, finishTask, requestInterrupt, retryTask } from "../../store/commands/task-actions.ts";
import { listTasks } from "../../store/commands/task-queries.ts";
import { recoverWorkers, registerWorker } from "../../store/commands/workers.ts";
import type { TaskSketch } from "../builders.ts";
import { aSession, aTask, aWorker } from "../builders.ts";
import type { TableDump } from "../table-dump.ts";
import { dumpSome, dumpState } from "../table-dump.ts";
import type { Bench } from "./bench.ts";
import { holdOf } from "./bench.ts";
import { unsatisfiedNeeds } from "./consistency.ts";

export const ACT_KINDS = [
  "create",
  "create-group",
  "add-part",
  "claim",
  "complete",
  "fail",
  "retry-later",
  "record-step",
  "suspend",
  "children",
  "signal",
  "take-signal",
  "interrupt",
  "release",
  "lose-track",
  "resolve",
  "cancel",
  "retry",
  "block",
  "finish",
  "edit",
  "ask-interrupt",
  "pause",
  "resume",
  "settle",
  "recover",
  "submit",
  "cancel-session",
] as const;
export type ActKind = (typeof ACT_KINDS)[number];

/** `picks` choose what the act is about; each is a whole number from 0. */
export interface Act {
  readonly kind: ActKind;
  readonly picks: readonly [number, number, number];
}

export function randomActs(random: Random, count: number): readonly Act[] {
  const pick = (): number => Math.floor(random.next() * 1_000);
  return Array.from({ length: count }, () => {
    // Claims and completions keep the rest going, so they come up more often.
    const kind = random.next() < 0.3 ? (random.next() < 0.5 ? "claim" : "complete") : at(ACT_KINDS, pick());
    return { kind, picks: [pick(), pick(), pick()] };
  });
}

/**
 * Plays the acts. Refusals with a coded error are fine; anything else is thrown.
 *
 * @throws Error also when a task was claimed for the first time while something it depends on was open (INV-4).
 */
export async function playActs(
  bench: Bench,
  acts: readonly Act[],
  afterEach: (tables: TableDump, act: Act) => void,
): Promise<void> {
  const player = createPlayer(bench);
  for (const act of acts) {
    await playAct(player, act);
    afterEach(await dumpState(bench.store), act);
  }
}

export function createPlayer(bench: Bench): Player {
  return { bench, holds: [], created: 0 };
}

/** Plays one act. A refusal with a coded error is fine; anything else is thrown. */
export async function playAct(player: Player, act: Act): Promise<void> {
  player.bench.clock.advance(act.picks[2] % 40);
  try {
    await play(player, act);
  } catch (error) {
    if (!isPerdureError(error) || error.code === "store-damaged") throw error;
  }
}

export interface Player {
  readonly bench: Bench;
  /** Every hold there ever was: the stale ones are used too, and must change nothing. */
  readonly holds: Claimed[];
  created: number;
}

function at<T>(items: readonly T[], pick: number): T {
  const item = items[pick % items.length];
  if (item === undefined) throw new RangeError("nothing to pick from");
  return item;
}

/** Mostly one of the last holds, since older ones are likely to be stale. */
function aHold(player: Player, pick: number): Claimed | null {
  const { holds } = player;
  if (holds.length === 0) return null;
  return at(pick % 10 === 0 ? holds : holds.slice(-4), pick);
}

async function aTaskId(player: Player, pick: number): Promise<TaskId> {
  const ids = await taskIds(player);
  return ids.length === 0 ? asId("none") : at(ids, pick);
}

async function taskIds({ bench }: Player): Promise<readonly TaskId[]> {
  const filter = { sessionId: null, statuses: null, minPriority: null, parentId: null, search: null, after: null };
  return (await bench.store.execute(listTasks, { ...filter, limit: 1_000 })).tasks.map((task) => task.id);
}

async function play(player: Player, act: Act): Promise<unknown> {
  const { store, session, clock } = player.bench;
  const [one, two, three] = act.picks;
  const sessionId = session.id;
  switch (act.kind) {
    case "create":
      return await store.execute(createTasks, {
        sessionId,
        tasks: [await newTask(player, act), await newTask(player, act)],
      });
    case "create-group":
      return await store.execute(createTasks, { sessionId, tasks: newGroup(player, two) });
    case "add-part": {
      const task = await newTask(player, act);
      return await store.execute(createTasks, {
        sessionId,
        tasks: [{ ...task, parent: await aTaskId(player, three) }],
      });
    }
    case "claim":
      return await claim(player, one);
    case "signal":
      return await store.execute(sendSignal, { taskId: await aTaskId(player, one), name: "go", payload: two });
    case "resolve": {
      const decision = at(["done", "retry", "skip"] as const, two);
      return await store.execute(resolveUnknownSteps, { taskId: await aTaskId(player, one), decision, result: two });
    }
    case "cancel":
      return await store.execute(cancelTask, { taskId: await aTaskId(player, one), note: null });
    case "retry":
      return await store.execute(retryTask, { taskId: await aTaskId(player, one) });
    case "block":
      return await store.execute(blockTask, { taskId: await aTaskId(player, one), note: "later" });
    case "finish":
      return await finish(player, act);
    case "edit":
      return await edit(player, act);
    case "pause":
      return await store.execute(changeSession, { sessionId, verb: "pause" });
    case "resume":
      return await store.execute(resumeSession, { sessionId, retryFailed: two % 2 === 0 });
    case "settle":
      return await store.execute(settleSession, { sessionId });
    case "recover":
      clock.advance(two % 3 === 0 ? 31_000 : 0);
      for (const id of ["w1", "w2"]) if (three % 2 === 0) await store.execute(registerWorker, aWorker(id));
      return await store.execute(recoverWorkers, {
        dead: two % 2 === 0 ? [{ id: asId<WorkerId>("w1"), why: "test" }] : [],
      });
    case "submit":
      return await submit(player, act);
    case "cancel-session":
      // Nothing can be done in it afterwards, so it is rare.
      return one % 20 === 0 ? await store.execute(cancelSession, { sessionId }) : null;
    default:
      return await playHold(player, act);
  }
}

/** The acts of a worker on what it holds, or once held. */
async function playHold(player: Player, { kind, picks: [one, two] }: Act): Promise<unknown> {
  const { store, clock } = player.bench;
  const held = aHold(player, one);
  if (held === null) return null;
  const hold = holdOf(held);
  const error = { code: "boom", message: "It broke" };
  const position = two % 3;
  const identity = { hold, position, name: `s${position}`, isConcurrent: false } as const;
  const step = { ...identity, kind: { type: "run" }, effect: "once" } as const;
  const startedAt = clock.now();
  switch (kind) {
    case "complete":
      return await store.execute(completeExecution, { hold, result: two, next: null });
    case "fail":
      return await store.execute(failAttempt, { hold, error, retryAt: null, handledSteps: [0], next: null });
    case "retry-later":
      return await store.execute(failAttempt, {
        hold,
        error,
        retryAt: startedAt + (two % 50),
        handledSteps: [],
        next: null,
      });
    case "record-step": {
      const outcome = at(
        [{ status: "started" }, { status: "completed", result: two }, { status: "failed", error }] as const,
        two,
      );
      return await store.execute(recordStep, { step, outcome, startedAt });
    }
    case "suspend":
      return await store.execute(suspendExecution, { hold, waits: waitsFor(two, startedAt) });
    case "children": {
      const tasks = [nextTask(player, {}), nextTask(player, {})];
      const children = await store.execute(startChildren, {
        step: { ...identity, effect: "repeatable" },
        tasks,
        startedAt,
      });
      return await store.execute(suspendExecution, {
        hold,
        waits: [{ type: "children", taskIds: children }, ...waitsFor(two, startedAt).slice(1)],
      });
    }
    case "take-signal": {
      const kindOfWait: StepKind = { type: "signal", signal: "go", expiresAt: null };
      return await store.execute(awaitSignal, {
        step: { ...step, kind: kindOfWait },
        signal: "go",
        isExpired: two % 4 === 0,
        startedAt,
      });
    }
    case "interrupt":
      return await store.execute(interruptExecution, { hold });
    case "release":
      return await store.execute(releaseHold, { hold, why: "test" });
    case "lose-track":
      await store.execute(recordStep, { step, outcome: { status: "started" }, startedAt });
      return await store.execute(blockOnUnknownOutcome, { hold, position });
    case "ask-interrupt":
      return await store.execute(requestInterrupt, { executionId: hold.executionId });
    case "create":
    case "create-group":
    case "add-part":
    case "claim":
    case "signal":
    case "resolve":
    case "cancel":
    case "retry":
    case "block":
    case "finish":
    case "edit":
    case "pause":
    case "resume":
    case "settle":
    case "recover":
    case "submit":
    case "cancel-session":
      return null;
    default:
      return unreachable(kind);
  }
}

function waitsFor(pick: number, now: number): readonly StepKind[] {
  const sleep: StepKind = { type: "sleep", wakeAt: now + (pick % 60) };
  const signal: StepKind = { type: "signal", signal: "go", expiresAt: pick % 2 === 0 ? null : now + 30 };
  return at([[sleep], [signal], [sleep, signal]], pick);
}

async function claim(player: Player, pick: number): Promise<void> {
  const { store } = player.bench;
  const before = await dumpSome(store, ["tasks", "dependencies"]);
  const workerId = asId<WorkerId>(pick % 2 === 0 ? "w1" : "w2");
  await store.execute(registerWorker, aWorker(workerId));
  const labels = pick % 3 === 0 ? [] : ["gpu"];
  const input = { workerId, executors: ["function", "manual"], labels, sessionId: null, limit: (pick % 3) + 1 };
  const { claimed } = await store.execute(claimTasks, input);
  for (const { task, isResumed } of claimed) {
    const open = unsatisfiedNeeds(before, task.id);
    if (!isResumed && open > 0) throw new Error(`task ${task.key} was started with ${open} open dependencies`);
  }
  player.holds.push(...claimed);
}

function nextTask(player: Player, sketch: Omit<TaskSketch, "ref">): ReturnType<typeof aTask> {
  player.created += 1;
  return aTask({ ref: `t${player.created}`, ...sketch });
}

/** Key `k0` lets one task run, `k1` two and `k2` three. */
export function workloadLimit(index: number): TaskLimit {
  return { key: `k${index}`, concurrency: index + 1, rate: index === 2 ? { count: 4, perMs: 40 } : null };
}

async function newTask(player: Player, { picks: [one, two, three] }: Act): Promise<ReturnType<typeof aTask>> {
  const { clock } = player.bench;
  const existing = await taskIds(player);
  const needs = existing.length === 0 ? [] : [at(existing, one), at(existing, two)].slice(0, three % 3);
  const onDependencyFailure = at(DEPENDENCY_FAILURE_POLICIES, one + two);
  const runAt = two % 4 === 0 ? clock.now() + (one % 100) : null;
  return nextTask(player, {
    needs,
    onDependencyFailure,
    priority: (two % 10) + 1,
    runAt,
    executor: one % 7 === 0 ? "manual" : "function",
    labels: three % 5 === 0 ? ["gpu"] : [],
    limit: three % 4 === 0 ? workloadLimit(one % 3) : null,
  });
}

function newGroup(player: Player, pick: number): readonly ReturnType<typeof aTask>[] {
  const outer = nextTask(player, { executor: "group", onDependencyFailure: at(DEPENDENCY_FAILURE_POLICIES, pick) });
  const inner = nextTask(player, { executor: "group", parent: outer.ref });
  const part = nextTask(player, { parent: inner.ref });
  const status = pick % 5 === 0 ? "completed" : "pending";
  const last = nextTask(player, { parent: pick % 2 === 0 ? inner.ref : outer.ref, needs: [part.ref], status });
  return [outer, inner, part, last, nextTask(player, { needs: [outer.ref] })];
}

async function finish(player: Player, { picks: [one, two] }: Act): Promise<void> {
  const { store } = player.bench;
  const outcome =
    two % 2 === 0
      ? ({ status: "completed", result: two } as const)
      : ({ status: "failed", error: { code: "boom", message: "no" } } as const);
  await store.execute(finishTask, { taskId: await aTaskId(player, one), outcome, next: null, evenIfBlocked: false });
}

async function edit(player: Player, { picks: [one, two, three] }: Act): Promise<void> {
  const { store } = player.bench;
  const needs = [await aTaskId(player, two), await aTaskId(player, three)].slice(0, two % 3);
  const priority = (two % 10) + 1;
  await store.execute(editTask, {
    taskId: await aTaskId(player, one),
    edit: {
      priority,
      ...(three % 2 === 0 ? { needs } : {}),
      ...(one % 3 === 0 ? { labels: two % 2 === 0 ? [] : ["gpu"], limit: workloadLimit(two % 3) } : {}),
    },
  });
}

/** A plan of five tasks of which each version has others, so that syncing adds, changes, moves, ticks and cancels. */
async function submit({ bench: { store } }: Player, { picks: [one, two, three] }: Act): Promise<void> {
  const source = { file: "plan.yaml", line: 1 };
  const has = (index: number): boolean => ((one >> index) & 1) === 0;
  const tasks = [0, 1, 2, 3, 4].filter(has).map((index) => {
    const before = [0, 1, 2, 3, 4].slice(0, index).filter(has);
    const needs = before.length === 0 || (two >> index) % 2 === 0 ? [] : [`p${at(before, two)}`];
    const parent = (three >> index) % 2 === 0 ? null : at(["g1", "g2"], three + index);
    const status = (two + index) % 9 === 0 ? "completed" : "pending";
    return aTask({ ref: `p${index}`, needs, parent, priority: (three % 3) + 1, status, source });
  });
  const groups = ["g1", "g2"]
    .filter((ref) => tasks.some((task) => task.parent === ref))
    .map((ref) => aTask({ ref, executor: "group", source }));
  const session = aSession({ name: "plan", planFile: "plan.yaml", planFingerprint: `${one}-${two}-${three}` });
  await store.execute(submitPlan, { session, tasks: [...groups, ...tasks], continueUnfinished: true });
}
