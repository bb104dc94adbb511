/** The people around a simulated run: they send signals, answer questions, look what became of steps, interrupt and resume. */

import type { Millis } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import { isPerdureError } from "../../base/errors.ts";
import type { SessionId, TaskId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import type { Command, Row } from "../../store/command.ts";
import { defineRead, rows } from "../../store/command.ts";
import { approvalSignal } from "../../engine/run-waits.ts";
import { resumeSession } from "../../store/commands/sessions.ts";
import { sendSignal } from "../../store/commands/signals.ts";
import { resolveUnknownSteps } from "../../store/commands/steps.ts";
import { cancelTask, requestInterrupt } from "../../store/commands/task-actions.ts";
import type { Store } from "../../store/port.ts";
import type { OutsideWorld } from "./outside-world.ts";
import type { Deed, Op, Script, ScriptedChild } from "./script.ts";
import { valueOf } from "./scripted-executor.ts";

export interface People {
  /** Does what is to be done by now. */
  act(): Promise<void>;
  /** When somebody next does something by himself; `null` when nobody will. */
  readonly nextDeedAt: Millis | null;
}

export interface PeopleOptions {
  readonly store: Store;
  readonly sessionId: SessionId;
  readonly script: Script;
  readonly outside: OutsideWorld;
  readonly random: Random;
  readonly clock: { now(): Millis };
}

const readTasks = defineRead("read-tasks", function* (context): Command<readonly Row[]> {
  return yield* rows(
    "select id, title, status, blocked_reason, execution_id from tasks where project_id = ? order by seq",
    context.projectId,
  );
});

const readUnknownSteps = defineRead("read-unknown-steps", function* (context, taskId: string): Command<readonly Row[]> {
  const sql = "select execution_id, name from steps where project_id = ? and task_id = ? and status = 'unknown'";
  return yield* rows(sql, context.projectId, taskId);
});

interface Message {
  readonly title: string;
  readonly name: string;
  readonly payload: unknown;
  /** Sent before anybody waits for it. */
  readonly isEarly: boolean;
}

export function createPeople(options: PeopleOptions): People {
  const { store, outside, sessionId, clock } = options;
  const startedAt = clock.now();
  let messages = messagesOf(options);
  let deeds: readonly Deed[] = options.script.deeds;
  let resumeAt: Millis | null = null;

  async function send(tasks: readonly Row[]): Promise<void> {
    const sent = new Set<Message>();
    for (const message of messages) {
      const task = tasks.find((row) => row.title === message.title);
      const isDue = task !== undefined && (message.isEarly || task.blocked_reason === "waiting");
      if (!isDue || task === undefined) continue;
      sent.add(message);
      await unlessEnded(
        store.execute(sendSignal, { taskId: asId(String(task.id)), name: message.name, payload: message.payload }),
      );
    }
    messages = messages.filter((message) => !sent.has(message));
  }

  async function lookInto(task: Row): Promise<void> {
    const [step] = await store.execute(readUnknownSteps, String(task.id));
    if (step === undefined) return;
    const hasHappened = outside.hasHappened(`${String(step.execution_id)}:${String(step.name)}`);
    const decision = hasHappened ? "done" : "retry";
    await store.execute(resolveUnknownSteps, {
      taskId: asId<TaskId>(String(task.id)),
      decision,
      result: valueOf(String(step.name).replace(/#\d+$/, "")),
    });
  }

  async function carryOut(deed: Deed, tasks: readonly Row[]): Promise<void> {
    if (deed.deed === "cancel") {
      const task = tasks.find((row) => row.title === deed.title);
      if (task === undefined) return;
      await unlessEnded(store.execute(cancelTask, { taskId: asId<TaskId>(String(task.id)), note: null }));
      return;
    }
    await store.execute(requestInterrupt, { sessionId });
    resumeAt = Math.max(resumeAt ?? 0, clock.now() + deed.resumeAfterMs);
  }

  return {
    async act() {
      const tasks = await store.execute(readTasks, null);
      await send(tasks);
      for (const task of tasks) if (task.blocked_reason === "unknown_outcome") await lookInto(task);
      const due = deeds.filter((deed) => startedAt + deed.atMs <= clock.now());
      deeds = deeds.filter((deed) => !due.includes(deed));
      for (const deed of due) await carryOut(deed, tasks);
      if (resumeAt === null || resumeAt > clock.now()) return;
      resumeAt = tasks.some((task) => task.status === "in_progress") ? clock.now() + 500 : null;
      await store.execute(resumeSession, { sessionId, retryFailed: false });
    },
    get nextDeedAt() {
      const at = deeds.map((deed) => startedAt + deed.atMs).concat(resumeAt ?? []);
      return at.length === 0 ? null : Math.min(...at);
    },
  };
}

/** Ended by now, as tasks do. */
async function unlessEnded(deed: Promise<unknown>): Promise<void> {
  try {
    await deed;
  } catch (error) {
    if (!isPerdureError(error, "wrong-state")) throw error;
  }
}

function messagesOf({ script, random }: PeopleOptions): readonly Message[] {
  return script.tasks.flatMap((task) => messagesIn(task, random));
}

function messagesIn(task: ScriptedChild, random: Random): readonly Message[] {
  return everyOp(task.ops).flatMap((op): readonly Message[] => {
    const base = { title: task.title, isEarly: random.next() < 0.4 };
    if (op.op === "signal") return [{ ...base, name: op.name, payload: `${op.name} received` }];
    if (op.op === "approval") {
      return [
        { ...base, name: approvalSignal(op.question), payload: { approved: true, by: "someone", comment: null } },
      ];
    }
    return op.op === "children" ? op.children.flatMap((child) => messagesIn(child, random)) : [];
  });
}

function everyOp(ops: readonly Op[]): readonly Op[] {
  return ops.flatMap((op) => (op.op === "parallel" ? op.branches.flatMap((branch) => everyOp(branch)) : [op]));
}
