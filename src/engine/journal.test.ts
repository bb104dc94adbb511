import { describe, expect, it } from "vitest";

import { asId } from "../domain/ids.ts";
import type { Step } from "../domain/step.ts";
import { createJournal } from "./journal.ts";

function aStep(position: number, name: string, sketch: Partial<Step> = {}): Step {
  return {
    executionId: asId("execution-1"),
    position,
    name,
    kind: { type: "run" },
    status: "completed",
    effect: "repeatable",
    isConcurrent: false,
    isHandled: false,
    attempt: 1,
    result: null,
    error: null,
    startedAt: 0,
    endedAt: 0,
    ...sketch,
  };
}

const aFailure = { status: "failed", error: { code: "Error", message: "no" } } as const;
const journalOf = (...steps: readonly Step[]) => createJournal(steps, { attempt: 1 });

describe("journal", () => {
  it("gives steps asked for in the recorded order their records", () => {
    const journal = journalOf(aStep(0, "a"), aStep(1, "b"));
    expect(journal.ask("a", false)).toMatchObject({ position: 0, recorded: { name: "a" } });
    expect(journal.ask("b", false)).toMatchObject({ position: 1, recorded: { name: "b" } });
    expect(journal.ask("c", false)).toEqual({ position: 2, name: "c", recorded: null });
  });

  it("numbers a name that repeats", () => {
    const journal = journalOf();
    expect(["fetch", "fetch", "fetch"].map((name) => journal.ask(name, false).name)).toEqual([
      "fetch",
      "fetch#2",
      "fetch#3",
    ]);
  });

  it("refuses another step than the recorded one, naming both", () => {
    const journal = journalOf(aStep(0, "a"), aStep(1, "b"));
    journal.ask("a", false);
    expect(() => journal.ask("x", false)).toThrow('asks for step "x" where the journal has step "b" at position 1');
  });

  it("refuses recorded steps in another order", () => {
    expect(() => journalOf(aStep(0, "a"), aStep(1, "b")).ask("b", false)).toThrow(/step "b" where .* step "a"/);
  });

  it("refuses an end before all recorded steps were asked for", () => {
    const journal = journalOf(aStep(0, "a"), aStep(1, "b"));
    journal.ask("a", false);
    expect(() => journal.assertAllAsked()).toThrow('ended where the journal has step "b"');
  });

  it("takes steps that overlapped in any order", () => {
    const journal = journalOf(aStep(0, "a", { isConcurrent: true }), aStep(1, "b", { isConcurrent: true }));
    expect(journal.ask("b", false).position).toBe(1);
    expect(journal.ask("new", true).position).toBe(2);
    expect(journal.ask("a", true).position).toBe(0);
  });

  it("lets an attempt pass by what came after a failure that is tried again", () => {
    const steps = [aStep(0, "a", aFailure), aStep(1, "clean up")];
    const journal = createJournal(steps, { attempt: 2 });
    journal.ask("a", false);
    expect(journal.ask("b", false)).toMatchObject({ position: 2, recorded: null });
    expect(() => journal.assertAllAsked()).not.toThrow();
  });

  it("still knows on later runs what was passed by", () => {
    const steps = [aStep(0, "a", { attempt: 2 }), aStep(1, "clean up"), aStep(2, "b", { attempt: 2 })];
    const journal = createJournal(steps, { attempt: 2 });
    journal.ask("a", false);
    expect(journal.ask("b", false)).toMatchObject({ position: 2, recorded: { name: "b" } });
    expect(journal.ask("clean up", false).recorded).not.toBeNull();
  });

  it("keeps to the order after a failure the code handled", () => {
    const steps = [aStep(0, "a", { ...aFailure, isHandled: true }), aStep(1, "b")];
    const journal = createJournal(steps, { attempt: 2 });
    journal.ask("a", false);
    expect(() => journal.ask("c", false)).toThrow(/step "c" where .* step "b"/);
  });

  it("finds a name again that is no well-formed text", () => {
    const name = "half a \ud83d";
    const stored = name.toWellFormed();
    expect(journalOf(aStep(0, stored)).ask(name, false).recorded).not.toBeNull();
  });
});
