/** Leases and fencing tokens (INV-3): a worker that lost its hold changes nothing, and nothing stays held by the dead. */

import { describe, expect, it } from "vitest";

import { asId } from "../../domain/ids.ts";
import type { WorkerId } from "../../domain/ids.ts";
import { claimTasks } from "../../store/commands/claims.ts";
import { addArtifact } from "../../store/commands/artifacts.ts";
import type { CommandDefinition } from "../../store/command.ts";
import {
  blockOnUnknownOutcome,
  completeExecution,
  failAttempt,
  interruptExecution,
  noteExecution,
  releaseHold,
  reportProgress,
  suspendExecution,
} from "../../store/commands/executions.ts";
import { awaitSignal, listSteps, recordStep, startChildren } from "../../store/commands/steps.ts";
import type { StepIdentity } from "../../store/commands/steps.ts";
import { findStops } from "../../store/commands/stops.ts";
import { cancelTask, requestInterrupt } from "../../store/commands/task-actions.ts";
import type { Hold } from "../../store/commands/task-rows.ts";
import {
  extendLeases,
  listWorkers,
  recoverWorkers,
  registerWorker,
  removeWorker,
} from "../../store/commands/workers.ts";
import { aTask, aWorker } from "../builders.ts";
import type { Bench, Suite } from "./bench.ts";
import { expectRefused, holdOf } from "./bench.ts";

const W1 = asId<WorkerId>("w1");
const W2 = asId<WorkerId>("w2");
const ERROR = { code: "boom", message: "It broke" };

interface HeldCall {
  readonly name: string;
  perform(bench: Bench): Promise<unknown>;
}

/** Every command that takes a hold, with input that would do something if the hold were good. */
function callsWith(hold: Hold): readonly HeldCall[] {
  const call = <Input>(command: CommandDefinition<Input, unknown>, input: Input): HeldCall => ({
    name: command.name,
    perform: (bench) => bench.store.execute(command, input),
  });
  const step: StepIdentity = {
    hold,
    position: 0,
    name: "s",
    kind: { type: "run" },
    effect: "repeatable",
    isConcurrent: false,
  };
  const progress = { percent: 50, currentStep: null, totalSteps: null, message: null, milestones: [] };
  return [
    call(completeExecution, { hold, result: 1, next: null }),
    call(failAttempt, { hold, error: ERROR, retryAt: null, handledSteps: [], next: null }),
    call(failAttempt, { hold, error: ERROR, retryAt: 1, handledSteps: [0], next: null }),
    call(suspendExecution, { hold, waits: [{ type: "sleep", wakeAt: 1 }] }),
    call(interruptExecution, { hold }),
    call(releaseHold, { hold, why: "test" }),
    call(blockOnUnknownOutcome, { hold, position: 0 }),
    call(reportProgress, { hold, progress }),
    call(noteExecution, { hold, message: "hello" }),
    call(recordStep, { step, outcome: { status: "started" }, startedAt: 1 }),
    call(recordStep, { step, outcome: { status: "completed", result: 1 }, startedAt: 1 }),
    call(recordStep, { step, outcome: { status: "failed", error: ERROR }, startedAt: 1 }),
    call(awaitSignal, { step, signal: "go", isExpired: true, startedAt: 1 }),
    call(startChildren, { step, tasks: [aTask({ ref: "child" })], startedAt: 1 }),
    call(addArtifact, { hold, name: "log", mediaType: "text/plain", sizeBytes: 1, hash: "00" }),
  ];
}

async function expectAllRefused(bench: Bench, hold: Hold): Promise<void> {
  for (const { perform } of callsWith(hold)) await expectRefused(bench, "lease-lost", () => perform(bench));
}

export function leasesSuite(suite: Suite): void {
  describe("a stale hold", () => {
    it("changes nothing by any command once another worker has claimed the execution", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" });
      const stale = holdOf(await bench.start("a"));
      await bench.store.execute(releaseHold, { hold: stale, why: "test" });
      await expectAllRefused(bench, stale);
      const [current] = await bench.claim({ workerId: W2 });
      expect(current?.execution).toMatchObject({ id: stale.executionId, workerId: W2, fence: 2 });
      await expectAllRefused(bench, stale);
      if (current !== undefined) await bench.complete(current, "mine");
      expect(await bench.task("a")).toMatchObject({ status: "completed", result: "mine" });
    });

    it("changes nothing after the task was completed, cancelled, or recovered", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "done" }, { ref: "cancelled" }, { ref: "recovered" });
      const done = await bench.start("done");
      await bench.complete(done, 1);
      await expectAllRefused(bench, holdOf(done));
      const cancelled = await bench.start("cancelled");
      await bench.store.execute(cancelTask, { taskId: cancelled.task.id, note: null });
      await expectAllRefused(bench, holdOf(cancelled));
      const recovered = await bench.start("recovered");
      await bench.store.execute(recoverWorkers, { dead: [{ id: W1, why: "gone" }] });
      await expectAllRefused(bench, holdOf(recovered));
    });

    it("is refused with a token from the future or for an execution that never was", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" });
      const { execution } = await bench.start("a");
      await expectAllRefused(bench, { executionId: execution.id, fence: execution.fence + 1 });
      await expectAllRefused(bench, { executionId: asId("00000000-0000-4000-8000-000000000000"), fence: 1 });
    });

    suite.itWithSecond("loses against a takeover by another connection, whichever call comes first", async () => {
      const bench = await suite.open();
      const second = await bench.second();
      for (let round = 0; round < 20; round++) {
        const key = `t${round}`;
        await bench.create({ ref: key });
        const held = await bench.start(key);
        const [completed] = await Promise.allSettled([
          bench.complete(held, "first holder"),
          second.store.execute(recoverWorkers, { dead: [{ id: W1, why: "gone" }] }),
        ]);
        const task = await second.task(key);
        if (completed.status === "fulfilled")
          expect(task).toMatchObject({ status: "completed", result: "first holder" });
        else expect(task).toMatchObject({ status: "pending", result: null });
      }
    });
  });

  describe("recoverWorkers", () => {
    it("returns what a dead worker ran to the queue, at no cost of a retry and with its journal", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a", maxRetries: 0 });
      const held = await bench.start("a");
      const step: StepIdentity = {
        hold: holdOf(held),
        position: 0,
        name: "s",
        kind: { type: "run" },
        effect: "repeatable",
        isConcurrent: false,
      };
      await bench.store.execute(recordStep, {
        step,
        outcome: { status: "completed", result: 42 },
        startedAt: bench.clock.now(),
      });
      const recovered = await bench.store.execute(recoverWorkers, { dead: [{ id: W1, why: "process 7 is gone" }] });
      expect(recovered).toEqual([{ executionId: held.execution.id, taskTitle: "a", why: "process 7 is gone" }]);
      const [again] = await bench.claim({ workerId: W2 });
      expect(again).toMatchObject({ isResumed: true, execution: { id: held.execution.id, attempt: 1, retryCount: 0 } });
      expect(await bench.store.execute(listSteps, { executionId: held.execution.id })).toMatchObject([
        { name: "s", result: 42 },
      ]);
    });

    it("takes over when a lease ran out, not a moment before, and leaves other workers alone", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" }, { ref: "b" });
      for (const id of [W1, W2]) await bench.store.execute(registerWorker, aWorker(id));
      await bench.start("a");
      await bench.claim({ workerId: W2 });
      bench.clock.advance(20_000);
      await bench.store.execute(extendLeases, { workerId: W2, leaseMs: 30_000, holds: [] });
      bench.clock.advance(9_999);
      expect(await bench.store.execute(recoverWorkers, { dead: [] })).toEqual([]);
      bench.clock.advance(1);
      expect(await bench.store.execute(recoverWorkers, { dead: [] })).toMatchObject([{ taskTitle: "a" }]);
      expect(await bench.states("a", "b")).toEqual(["pending", "in_progress"]);
      expect(await bench.store.execute(listWorkers, null)).toMatchObject([{ id: W2 }]);
    });

    it("takes back what a forgotten worker claimed, and tells it to register anew", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" });
      await bench.store.execute(recoverWorkers, { dead: [{ id: W1, why: "it seemed so" }] });
      await bench.start("a");
      expect(await bench.store.execute(extendLeases, { workerId: W1, leaseMs: 30_000, holds: [] })).toMatchObject({
        isRegistered: false,
      });
      expect(await bench.store.execute(recoverWorkers, { dead: [] })).toMatchObject([{ taskTitle: "a" }]);
      await bench.store.execute(registerWorker, aWorker("w1"));
      await bench.start("a");
      expect(await bench.store.execute(recoverWorkers, { dead: [] })).toEqual([]);
      expect(await bench.store.execute(extendLeases, { workerId: W1, leaseMs: 30_000, holds: [] })).toEqual({
        lost: [],
        isRegistered: true,
      });
    });

    it("keeps an interrupt that was asked for", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" });
      const { execution } = await bench.start("a");
      await bench.store.execute(requestInterrupt, { executionId: execution.id });
      await bench.store.execute(recoverWorkers, { dead: [{ id: W1, why: "gone" }] });
      expect(await bench.states("a")).toEqual(["blocked: interrupted"]);
    });
  });

  describe("a worker without a lease", () => {
    it("gets nothing until it has registered again", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" });
      await bench.store.execute(registerWorker, aWorker("w1"));
      bench.clock.advance(30_000);
      const claim = { workerId: W1, executors: ["function"], sessionId: null, limit: 1 };
      expect(await bench.store.execute(claimTasks, claim)).toMatchObject({ isLeaseOver: true, claimed: [] });
      const stranger = { ...claim, workerId: asId<WorkerId>("stranger") };
      expect(await bench.store.execute(claimTasks, stranger)).toMatchObject({ isLeaseOver: true, claimed: [] });
      await bench.store.execute(registerWorker, aWorker("w1"));
      expect(await bench.store.execute(claimTasks, claim)).toMatchObject({
        isLeaseOver: false,
        claimed: [{ task: { title: "a" } }],
      });
    });
  });

  describe("extendLeases", () => {
    it("names the holds that are gone and revives none", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" }, { ref: "b" });
      const lost = holdOf(await bench.start("a"));
      const kept = holdOf(await bench.start("b"));
      await bench.store.execute(cancelTask, { taskId: await bench.id("a"), note: null });
      const holds = [lost, kept];
      expect(await bench.store.execute(extendLeases, { workerId: W1, leaseMs: 30_000, holds })).toEqual({
        lost: [lost.executionId],
        isRegistered: true,
      });
      expect(await bench.store.execute(findStops, { holds })).toEqual({
        interrupted: [],
        cancelled: [lost],
        lost: [],
      });
      await expectAllRefused(bench, lost);
    });
  });

  describe("removeWorker", () => {
    it("returns what it held to the queue", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" });
      const held = await bench.start("a");
      await bench.store.execute(removeWorker, { workerId: W1 });
      expect(await bench.states("a")).toEqual(["pending"]);
      await expectAllRefused(bench, holdOf(held));
    });
  });
}
