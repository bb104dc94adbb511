/**
 * Programs of steps one after another and side by side, made up and run; then run again from every prefix of their
 * journal, with other timings, as after a crash at each point. None may find its journal to disagree, none may do a recorded step again.
 */

import fc from "fast-check";
import { expect, test } from "vitest";

import type { Random } from "../base/random.ts";
import { seededRandom } from "../base/random.ts";
import { asId } from "../domain/ids.ts";
import type { Step } from "../domain/step.ts";
import type { Journal } from "./journal.ts";
import { createJournal } from "./journal.ts";
import type { Overlap, RunGate } from "./run-gate.ts";
import { createRunGate } from "./run-gate.ts";

type Program =
  | { readonly kind: "step"; readonly name: string; readonly isOnce: boolean }
  | { readonly kind: "inTurn"; readonly parts: readonly Program[] }
  | { readonly kind: "atOnce"; readonly parts: readonly Program[] };

const { program } = fc.letrec<{ program: Program }>((tie) => {
  const parts = fc.array(tie("program"), { minLength: 1, maxLength: 3 });
  return {
    program: fc.oneof(
      { maxDepth: 4, depthSize: "small" },
      fc.record({ kind: fc.constant("step" as const), name: fc.constant(""), isOnce: fc.boolean() }),
      fc.record({ kind: fc.constant("inTurn" as const), parts }),
      fc.record({ kind: fc.constant("atOnce" as const), parts }),
    ),
  };
});

/** Every step with a name of its own. */
function named(one: Program, path = "s"): Program {
  if (one.kind === "step") return { ...one, name: path };
  return { ...one, parts: one.parts.map((part, index) => named(part, `${path}.${index}`)) };
}

interface World {
  readonly gate: RunGate;
  readonly journal: Journal;
  readonly random: Random;
  /** The journal as it is recorded, in the order of the writes. */
  readonly written: Step[];
  readonly performed: string[];
  /** Writes of the present turn, all answered at once in the next one, as the store does. */
  readonly unanswered: (() => void)[];
}

async function perform(world: World, one: Program): Promise<void> {
  if (one.kind === "step") return await world.gate.call((overlap) => performStep(world, one, overlap));
  if (one.kind === "atOnce") return void (await Promise.all(one.parts.map((part) => perform(world, part))));
  for (const part of one.parts) await perform(world, part);
}

async function performStep(
  world: World,
  { name, isOnce }: Extract<Program, { kind: "step" }>,
  overlap: Overlap,
): Promise<void> {
  const { journal, random, performed } = world;
  const asked = journal.ask(name, overlap.atStart);
  await Promise.resolve();
  if (asked.recorded?.status === "completed") return;
  const wasConcurrent = asked.recorded?.isConcurrent ?? false;
  if (isOnce && asked.recorded === null) write(world, asked.position, name, "started", overlap.mayOverlap());
  if (isOnce) await answered(world);
  performed.push(name);
  await turns(Math.floor(random.next() * 3));
  write(world, asked.position, name, "completed", wasConcurrent || overlap.hasOverlapped());
  await answered(world);
}

function answered({ unanswered }: World): Promise<void> {
  return new Promise((resolve) => {
    unanswered.push(resolve);
    if (unanswered.length > 1) return;
    setImmediate(() => {
      for (const answer of unanswered.splice(0)) answer();
    });
  });
}

async function turns(count: number): Promise<void> {
  for (let index = 0; index < count; index++) await new Promise<void>((resolve) => setImmediate(resolve));
}

function write(
  { written }: World,
  position: number,
  name: string,
  status: "started" | "completed",
  isConcurrent: boolean,
): void {
  written.push({
    executionId: asId("execution-1"),
    position,
    name,
    kind: { type: "run" },
    status,
    effect: "repeatable",
    isConcurrent,
    isHandled: false,
    attempt: 1,
    result: null,
    error: null,
    startedAt: 0,
    endedAt: null,
  });
}

/** What the store holds after those writes. */
function journalAfter(writes: readonly Step[]): readonly Step[] {
  const byPosition = new Map(writes.map((step) => [step.position, step]));
  return [...byPosition.values()].toSorted((a, b) => a.position - b.position);
}

async function run(one: Program, recorded: readonly Step[], seed: number): Promise<World> {
  const world: World = {
    gate: createRunGate({ hasOverlapped: recorded.some((step) => step.isConcurrent) }),
    journal: createJournal(recorded, { attempt: 1 }),
    random: seededRandom(seed),
    written: [],
    performed: [],
    unanswered: [],
  };
  await perform(world, one);
  world.journal.assertAllAsked();
  return world;
}

/** Runs a program, and again from every prefix of its journal; and once more from what that run got done by half. */
async function replayEverywhere(one: Program, seed: number): Promise<void> {
  const { written } = await run(one, [], seed);
  for (let length = 1; length <= written.length; length++) {
    const recorded = journalAfter(written.slice(0, length));
    const again = await run(one, recorded, seed + length);
    const completed = new Set(recorded.filter((step) => step.status === "completed").map((step) => step.name));
    expect(again.performed.filter((name) => completed.has(name))).toEqual([]);
    const further = journalAfter([...recorded, ...again.written.slice(0, Math.ceil(again.written.length / 2))]);
    await run(one, further, seed - length);
  }
}

test("a program replayed from any prefix of its journal never disagrees with it and repeats nothing recorded", async () => {
  await fc.assert(
    fc.asyncProperty(
      program.map((one) => named(one)),
      fc.integer({ min: 0, max: 1e6 }),
      replayEverywhere,
    ),
    { numRuns: 150 },
  );
}, 120_000);

test("a step that ends before the chain beside it asks for its next one is no step in sequence", async () => {
  const aStep = (name: string): Program => ({ kind: "step", name, isOnce: false });
  const inTurn = (...parts: readonly Program[]): Program => ({ kind: "inTurn", parts });
  const atOnce = (...parts: readonly Program[]): Program => ({ kind: "atOnce", parts });
  const long = inTurn(inTurn(aStep(""), aStep(""), aStep("")), inTurn(aStep("")));
  const one = named(atOnce(atOnce(aStep(""), long, aStep("")), inTurn(atOnce(aStep("")), aStep(""))));
  await replayEverywhere(one, 749_994);
});

test("so do chains side by side, whichever of their steps end in the same turn", async () => {
  const aStep = { kind: "step", name: "", isOnce: false } as const;
  const aChain = { kind: "inTurn", parts: [aStep, aStep, { ...aStep, isOnce: true }] } as const;
  const chains = named({ kind: "inTurn", parts: [{ kind: "atOnce", parts: [aChain, aChain] }, aStep] });
  for (let seed = 0; seed < 100; seed++) await replayEverywhere(chains, seed);
}, 120_000);
