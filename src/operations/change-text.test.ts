import { describe, expect, test } from "vitest";

import type { Change } from "../domain/change.ts";
import { describeChange } from "./change-text.ts";

function aChange(change: Partial<Change>): Change {
  return {
    seq: 1,
    sessionId: null,
    taskId: null,
    at: 0,
    actor: "worker:3f2a91c0",
    verb: "claim",
    entity: "executions",
    rowKey: "e",
    before: {},
    after: {},
    note: null,
    ...change,
  };
}

function summary(change: Partial<Change>): string {
  return describeChange(aChange(change), { task: "build", session: "Publish", step: "fetch" }).summary;
}

describe("describeChange", () => {
  test("says who claimed a task first", () => {
    expect(summary({ before: null, after: { attempt: 1 } })).toBe("worker:3f2a91c0 claimed build (attempt 1)");
  });

  test("says what was limited", () => {
    const rule = { entity: "limit_rules", rowKey: "executor:command", actor: "cli" };
    expect(
      summary({ ...rule, verb: "create", before: null, after: { concurrency: 4, rate_count: 9, rate_ms: 1000 } }),
    ).toBe("cli limited executor command: 4 at a time, 9/1s");
    expect(summary({ ...rule, verb: "delete" })).toBe("cli took away the limit on executor command");
  });

  test("says from which lost worker a task was taken over, and why", () => {
    expect(summary({ verb: "recover", note: "worker 1a2b (process 4242) is gone" })).toBe(
      "worker:3f2a91c0 took over build from worker 1a2b (process 4242), which is gone",
    );
    expect(summary({ verb: "recover", note: "the lease of alice ran out" })).toBe(
      "worker:3f2a91c0 took over build from alice, whose lease ran out",
    );
    expect(summary({ verb: "recover", note: "its worker is not registered" })).toBe(
      "worker:3f2a91c0 took over build from whoever held it: its worker is not registered",
    );
  });

  test("says at which attempt and step a task goes on", () => {
    expect(summary({ note: "attempt 2, after step fetch" })).toBe(
      "worker:3f2a91c0 claimed build again: attempt 2, after step fetch",
    );
  });

  test("names the error of an attempt that is tried again", () => {
    expect(summary({ verb: "fail_attempt", before: { attempt: 1 }, after: { attempt: 2 }, note: "exit code 3" })).toBe(
      "worker:3f2a91c0 ended attempt 1 of build, which is tried again: exit code 3",
    );
  });

  test("tells an interrupt from a task that was set aside", () => {
    const interrupted = { status: "blocked", blocked_reason: "interrupted" };
    expect(summary({ entity: "tasks", verb: "block", after: interrupted })).toBe("worker:3f2a91c0 interrupted build");
    const setAside = { ...interrupted, blocked_note: "needs a decision" };
    expect(summary({ entity: "tasks", verb: "block", after: setAside })).toBe(
      "worker:3f2a91c0 set build aside: needs a decision",
    );
  });

  test("says what was decided about an unknown outcome", () => {
    expect(summary({ entity: "steps", verb: "resolve_retry", actor: "cli" })).toBe(
      "cli said that step fetch of build did not take place: it is done again",
    );
  });

  test("finds words for a verb it does not know", () => {
    expect(summary({ entity: "tasks", verb: "turn_around" })).toBe("worker:3f2a91c0 turn around (tasks) of build");
  });

  test("marks what another change of the same act says better", () => {
    const subject = { task: "build", session: "", step: "" };
    const isMinor = (change: Partial<Change>): boolean => describeChange(aChange(change), subject).isMinor;
    expect(isMinor({ entity: "tasks", verb: "claim" })).toBe(true);
    expect(isMinor({ verb: "claim" })).toBe(false);
    expect(isMinor({ entity: "tasks", verb: "release", after: { status: "pending" } })).toBe(true);
    expect(isMinor({ entity: "tasks", verb: "release", after: { status: "pending", run_at: 1 } })).toBe(false);
  });
});
