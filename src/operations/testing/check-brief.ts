/** Compares what a brief's text says with the rows of the store: the two must agree, whatever the budget. */

import { expect } from "vitest";

import type { Row } from "../../store/command.ts";
import type { TableDump } from "../../testing/table-dump.ts";
import type { ReadBrief, ReadItem, ReadList } from "./read-brief.ts";
import { readBrief } from "./read-brief.ts";

export function expectTrue(
  text: string,
  { tables, sessionId, now }: { readonly tables: TableDump; readonly sessionId: string; readonly now: number },
): ReadBrief {
  const read = readBrief(text);
  const session = tables.sessions?.find((row) => row.id === sessionId);
  expect(read.session).toMatchObject({ shortId: sessionId.slice(0, 8), status: session?.status });
  const tasks = (tables.tasks ?? []).filter((row) => row.session_id === sessionId && row.executor !== "group");
  const groups = (tables.tasks ?? []).filter((row) => row.session_id === sessionId && row.executor === "group");
  const ofStatus = (...statuses: readonly string[]): readonly Row[] =>
    tasks.filter((row) => statuses.includes(String(row.status)));
  const pending = ofStatus("pending");
  const ready = pending.filter((row) => Number(row.run_at) <= now).toSorted(byUrgency);
  const isMinimum = !text.includes("Continue: ");
  expect(read.lists.get("Done")?.total).toBe(tasks.length - ofStatus("cancelled").length);
  expectNames(read, "Done", { expected: ofStatus("completed"), tasks, isInOrder: false });
  expectNames(read, "Now", { expected: ofStatus("in_progress"), tasks, isInOrder: false });
  expectNames(read, "Next", { expected: ready, tasks, isInOrder: true });
  expectNames(read, "Blocked", { expected: ofStatus("blocked"), tasks, isInOrder: false });
  expectNames(read, "Failed", { expected: ofStatus("failed"), tasks, isInOrder: false });
  if (isMinimum) return read;
  expectNames(read, "Later", { expected: pending.filter((row) => !ready.includes(row)), tasks, isInOrder: false });
  expectNames(read, "Phases done", {
    expected: groups.filter((row) => row.status === "completed"),
    tasks: groups,
    isInOrder: false,
  });
  // What runs and what is next is always named, with the step it is at.
  for (const label of ["Now", "Next"]) {
    const list = read.lists.get(label);
    if ((list?.count ?? 0) > 0) expect(list?.items.length).toBeGreaterThan(0);
    for (const item of list?.items ?? []) expectStep(item, taskNamed(item.name, tasks), tables);
  }
  return read;
}

interface Expected {
  readonly expected: readonly Row[];
  /** Among which a name must mean one. */
  readonly tasks: readonly Row[];
  /** Whether those named are the first, in order. */
  readonly isInOrder: boolean;
}

function expectNames(read: ReadBrief, label: string, { expected, tasks, isInOrder }: Expected): void {
  const list: ReadList = read.lists.get(label) ?? { count: 0, total: null, items: [], others: 0 };
  expect({ label, count: list.count }).toEqual({ label, count: expected.length });
  expect(list.items.length + list.others).toBe(list.count);
  const named = list.items.map(({ name }) => taskNamed(name, tasks).id);
  expect(new Set(named).size).toBe(named.length);
  const ids = expected.map((row) => row.id);
  if (isInOrder) expect(named).toEqual(ids.slice(0, named.length));
  else expect(ids).toEqual(expect.arrayContaining(named));
}

function taskNamed(name: string, tasks: readonly Row[]): Row {
  const byKey = tasks.find((row) => row.key === name);
  if (byKey !== undefined) return byKey;
  const [found, another] = tasks.filter((row) => String(row.id).startsWith(name));
  if (found === undefined || another !== undefined) throw new Error(`no one task is called ${JSON.stringify(name)}`);
  return found;
}

function expectStep({ step }: ReadItem, task: Row, tables: TableDump): void {
  const steps = (tables.steps ?? []).filter((row) => row.execution_id === task.execution_id);
  const newest = steps.toSorted((a, b) => Number(b.position) - Number(a.position))[0];
  if (newest === undefined || step === null) {
    expect(step).toBe(newest ?? null);
    return;
  }
  expect(step.relation).toBe(newest.status === "completed" ? "after" : "at");
  if (step.isCut) expect(String(newest.name).startsWith(step.name)).toBe(true);
  else expect(step.name).toBe(newest.name);
}

function byUrgency(a: Row, b: Row): number {
  return (
    Number(b.priority) - Number(a.priority) || Number(a.run_at) - Number(b.run_at) || Number(a.seq) - Number(b.seq)
  );
}
