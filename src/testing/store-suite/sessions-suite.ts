/** Sessions: whose they are, how they end, how they are deleted, and that none sees another (INV-7). */

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { asId } from "../../domain/ids.ts";
import type { SessionId } from "../../domain/ids.ts";
import type { Session } from "../../domain/session.ts";
import { createCheckpoint, resolveCheckpoint } from "../../store/commands/checkpoints.ts";
import { deleteSessionPiece, discardSession } from "../../store/commands/delete-session.ts";
import { readSessionRows } from "../../store/commands/export-session.ts";
import { appendMessages, listMessages } from "../../store/commands/messages.ts";
import { createTasks } from "../../store/commands/create-tasks.ts";
import { getSessionOverview } from "../../store/commands/session-overview.ts";
import { listSessions } from "../../store/commands/session-queries.ts";
import { getSessionStatistics } from "../../store/commands/session-statistics.ts";
import type { NewSession } from "../../store/commands/sessions.ts";
import {
  changeSession,
  completeSession,
  createSession,
  ensureOwnedSession,
  resumeSession,
} from "../../store/commands/sessions.ts";
import { listTasks, resolveSession, resolveTask } from "../../store/commands/task-queries.ts";
import { rebuildFromChanges } from "../../store/rebuild.ts";
import { anEnvironment, aSession, aTask } from "../builders.ts";
import type { TableDump } from "../table-dump.ts";
import { dumpTables, withoutCoordination } from "../table-dump.ts";
import type { Bench, Suite } from "./bench.ts";
import { expectRefused } from "./bench.ts";
import { faultsIn } from "./consistency.ts";
import { readLog } from "./log-suite.ts";
import { aMessage } from "./messages-suite.ts";
import { seededRandom } from "../../base/random.ts";
import { playActs, randomActs } from "./workload.ts";

export function sessionsSuite(suite: Suite): void {
  describe("ensureOwnedSession", () => {
    const owned = (agentId: string | null, userId: string | null): NewSession => aSession({ agentId, userId });

    it("gives two callers at once the same session", async () => {
      const bench = await suite.open();
      const made = await Promise.all(
        Array.from({ length: 10 }, () => bench.store.execute(ensureOwnedSession, owned("planner", "ann"))),
      );
      expect(new Set(made.map(({ id }) => id)).size).toBe(1);
      expect(made[0]).toMatchObject({ agentId: "planner", userId: "ann" });
    });

    suite.itWithSecond("gives two connections at once the same session", async () => {
      const bench = await suite.open();
      const second = await bench.second();
      const made = await Promise.all(
        [bench, second, bench, second].map(({ store }) => store.execute(ensureOwnedSession, owned("planner", "ann"))),
      );
      expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    });

    it("tells pairs apart, also those without an agent or a user", async () => {
      const bench = await suite.open();
      const pairs: readonly (readonly [string | null, string | null])[] = [
        ["a", "b"],
        ["b", "a"],
        ["a", null],
        [null, "a"],
        ["a%", "b"],
        ["a ", "b"],
        ["A", "b"],
      ];
      const ids = new Set<string>();
      for (const [agent, user] of pairs)
        ids.add((await bench.store.execute(ensureOwnedSession, owned(agent, user))).id);
      expect(ids.size).toBe(pairs.length);
    });

    it("takes the newest that is open", async () => {
      const bench = await suite.open();
      const first = await bench.store.execute(createSession, owned("a", "u"));
      const second = await bench.store.execute(createSession, owned("a", "u"));
      expect((await bench.store.execute(ensureOwnedSession, owned("a", "u"))).id).toBe(second.id);
      await bench.store.execute(completeSession, { sessionId: second.id, note: null });
      expect((await bench.store.execute(ensureOwnedSession, owned("a", "u"))).id).toBe(first.id);
    });
  });

  describe("a session ended by hand", () => {
    it("completes when nothing in it is unfinished, and not before", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" });
      const complete = (): Promise<Session> =>
        bench.store.execute(completeSession, { sessionId: bench.session.id, note: "well done" });
      await expectRefused(bench, "wrong-state", complete);
      await bench.finish("a");
      expect(await complete()).toMatchObject({ status: "completed", endedAt: bench.clock.now() });
    });

    it("fails, holds its work back, and goes on when it is resumed", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" });
      await bench.store.execute(changeSession, { sessionId: bench.session.id, verb: "fail", note: "no time" });
      expect(await bench.claim()).toEqual([]);
      await bench.store.execute(resumeSession, { sessionId: bench.session.id, retryFailed: true });
      expect(await bench.claim()).toHaveLength(1);
    });
  });

  describe("listSessions", () => {
    it("filters by status, owner, text taken literally, and time of creation", async () => {
      const bench = await suite.open();
      const begin = bench.clock.now();
      await bench.store.execute(createSession, aSession({ name: "100% done", agentId: "a", userId: "u" }));
      bench.clock.advance(1_000);
      await bench.store.execute(createSession, aSession({ name: "x", goal: "Ship THE_THING", agentId: "a" }));
      const names = async (filter: object): Promise<string> => {
        const page = await bench.store.execute(listSessions, { statuses: null, before: null, limit: 10, ...filter });
        return page.sessions.map(({ name }) => name).join();
      };
      expect(await names({})).toBe("x,100% done,test");
      expect(await names({ agentId: "a" })).toBe("x,100% done");
      expect(await names({ agentId: "a", userId: "u" })).toBe("100% done");
      expect(await names({ search: "0% D" })).toBe("100% done");
      expect(await names({ search: "the_thing" })).toBe("x");
      expect(await names({ search: "%" })).toBe("100% done");
      expect(await names({ createdAfter: begin + 1 })).toBe("x");
      expect(await names({ createdBefore: begin })).toBe("100% done,test");
      expect(await names({ statuses: ["paused"] })).toBe("");
    });
  });

  describe("getSessionStatistics", () => {
    it("counts what is in the session and nothing of another", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" }, { ref: "b" }, { ref: "c" });
      const a = await bench.start("a");
      bench.clock.advance(500);
      await bench.fail(a, bench.clock.now());
      const again = await bench.start("a");
      bench.clock.advance(1_500);
      await bench.complete(again);
      await bench.store.execute(appendMessages, {
        sessionId: bench.session.id,
        messages: [aMessage("x"), aMessage("y")],
      });
      await bench.store.execute(changeSession, { sessionId: bench.session.id, verb: "pause" });
      bench.clock.advance(10_000);
      const other = await bench.store.execute(createSession, aSession({ name: "other" }));
      await bench.store.execute(createTasks, { sessionId: other.id, tasks: [aTask({ ref: "a" })] });
      const statistics = await bench.store.execute(getSessionStatistics, { sessionId: bench.session.id });
      expect(statistics).toMatchObject({
        tasks: { pending: 2, completed: 1 },
        executions: { completed: 1, running: 0 },
        attempts: 2,
        retries: 1,
        taskDurations: { totalMs: 2_000, meanMs: 2_000, longestMs: 2_000 },
        messages: { count: 2, tokenCount: 2 },
        activeMs: 2_000,
      });
      expect(await bench.store.execute(getSessionStatistics, { sessionId: other.id })).toMatchObject({
        tasks: { pending: 1 },
        attempts: 0,
        messages: { count: 0, tokenCount: 0 },
        changes: 2,
      });
    });
  });

  describe("a session that is deleted", () => {
    it.each(suite.seeds(4))(
      "goes piece by piece, consistent after each, and leaves others as they were (seed %i)",
      async (seed) => {
        const bench = await suite.open();
        await playActs(bench, randomActs(seededRandom(seed), 80), () => {});
        await bench.store.execute(appendMessages, {
          sessionId: await anotherSession(bench),
          messages: [aMessage("stays")],
        });
        const sessions = (await bench.store.execute(listSessions, { statuses: null, before: null, limit: 1_000 }))
          .sessions;
        const doomed = sessions.find(({ id }) => id === bench.session.id);
        if (doomed === undefined) throw new Error("the session of the bench is there");
        await stopEverything(bench);
        const before = othersIn(await dumpTables(bench.store), doomed.id);
        await bench.store.execute(discardSession, { sessionId: doomed.id });
        for (;;) {
          const { isDone } = await bench.store.execute(deleteSessionPiece, { sessionId: doomed.id, limit: 7 });
          expect(faultsIn(await dumpTables(bench.store))).toEqual([]);
          if (isDone) break;
        }
        const after = await dumpTables(bench.store);
        expect(othersIn(after, doomed.id)).toEqual(before);
        for (const [name, rows] of Object.entries(after))
          if (name !== "changes") expect(JSON.stringify(rows), name).not.toContain(doomed.id);
        const rebuilt = await suite.openEmpty();
        await rebuilt.execute(rebuildFromChanges, { changes: await readLog(bench.store) });
        expect(withoutCoordination(await dumpTables(rebuilt))).toEqual(withoutCoordination(after));
      },
    );

    it("is refused while work runs in it, and nothing is deleted that was not discarded", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" });
      await bench.start("a");
      const sessionId = bench.session.id;
      await expectRefused(bench, "conflict", () => bench.store.execute(discardSession, { sessionId }));
      await expectRefused(bench, "wrong-state", () =>
        bench.store.execute(deleteSessionPiece, { sessionId, limit: 10 }),
      );
    });

    it("takes nothing new from the moment it is discarded, also when it was completed", async () => {
      const bench = await suite.open();
      await bench.create({ ref: "a" });
      await bench.finish("a");
      const sessionId = bench.session.id;
      await bench.store.execute(completeSession, { sessionId, note: null });
      await bench.store.execute(discardSession, { sessionId });
      await bench.store.execute(discardSession, { sessionId });
      await expectRefused(bench, "wrong-state", () => bench.create({ ref: "b" }));
      await expectRefused(bench, "wrong-state", () =>
        bench.store.execute(appendMessages, { sessionId, messages: [aMessage("late")] }),
      );
    });
  });

  describe("sessions driven by hostile names", () => {
    it("are not reached by the whole id of something else, whatever they, their tasks and checkpoints are called", async () => {
      const bench = await suite.open();
      const { store, session } = bench;
      await bench.create({ ref: "own" });
      const taskId = await bench.id("own");
      const label = { label: "own", kind: "manual", environment: anEnvironment(), workspace: null } as const;
      const { id } = await store.execute(createCheckpoint, { ...label, sessionId: session.id });
      const other = await store.execute(createSession, aSession({ name: session.id }));
      await store.execute(createTasks, { sessionId: other.id, tasks: [aTask({ ref: "a", key: taskId })] });
      await store.execute(createCheckpoint, { ...label, sessionId: other.id, label: id });
      expect(await store.execute(resolveSession, { reference: session.id })).toBe(session.id);
      expect(await store.execute(resolveTask, { reference: taskId, sessionId: other.id })).toBe(taskId);
      expect(await store.execute(resolveCheckpoint, { reference: id })).toBe(id);
    });

    it("never see each other through any session's handle (INV-7)", async () => {
      await fc.assert(
        fc.asyncProperty(fc.uniqueArray(hostileName, { minLength: 2, maxLength: 4 }), async (names) => {
          await checkIslands(await suite.open(), names);
        }),
        { numRuns: 25 },
      );
    });
  });
}

async function anotherSession(bench: Bench): Promise<SessionId> {
  return (await bench.store.execute(createSession, aSession({ name: "another" }))).id;
}

/** So that the session can be deleted: leases run out. */
async function stopEverything(bench: Bench): Promise<void> {
  bench.clock.advance(365 * 86_400_000);
  await Promise.resolve();
}

/** All rows but the log that do not belong to the session. */
function othersIn(tables: TableDump, sessionId: string): Readonly<Record<string, readonly unknown[]>> {
  const kept = Object.entries(tables).filter(([name]) => name !== "changes" && name !== "blobs");
  return Object.fromEntries(
    kept.map(([name, rows]) => [name, rows.filter((row) => !Object.values(row).includes(sessionId))]),
  );
}

const HOSTILE = [
  "%",
  "_",
  "a%",
  "a_",
  "../a",
  "..",
  "/",
  "\u0000",
  "a\u0000b",
  "a\nb",
  "__proto__",
  "constructor",
  "а", // Cyrillic
  "a",
  "á",
  "a\u0301",
  "ａ",
  " a",
  "a ",
  "",
  "'; drop table sessions; --",
  '"',
  "[]",
  '["x",0]',
  "@sha256:00",
  "\u{1F600}",
];

const hostileName = fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ maxLength: 12, unit: "binary" }));

/** Every session gets the same keys and its own name as content; each must hold exactly its own. */
async function checkIslands(bench: Bench, names: readonly string[]): Promise<void> {
  const { store } = bench;
  const made: { readonly name: string; readonly session: Session }[] = [];
  for (const name of names) {
    const session = await store.execute(createSession, aSession({ name, agentId: name, userId: names[0] ?? "" }));
    made.push({ name, session });
    for (const key of names)
      await store.execute(createTasks, { sessionId: session.id, tasks: [aTask({ ref: key, key, title: name })] });
    await store.execute(appendMessages, {
      sessionId: session.id,
      messages: names.map((other) => aMessage(`${name} to ${other}`)),
    });
  }
  for (const { name, session } of made) {
    const sessionId = session.id;
    expect(await store.execute(resolveSession, { reference: name })).toBe(sessionId);
    const { messages } = await store.execute(listMessages, { sessionId, order: "oldest", from: null, limit: 100 });
    expect(messages.map(({ parts }) => parts)).toEqual(
      names.map((other) => [{ type: "text", text: `${name} to ${other}` }]),
    );
    const filter = {
      sessionId,
      statuses: null,
      minPriority: null,
      parentId: null,
      search: null,
      after: null,
      limit: 100,
    };
    const { tasks } = await store.execute(listTasks, filter);
    expect(tasks.map((task) => [task.key, task.title, task.sessionId])).toEqual(
      names.map((key) => [key, name, sessionId]),
    );
    for (const key of names) {
      const taskId = await store.execute(resolveTask, { reference: key, sessionId });
      expect(tasks.some(({ id }) => id === taskId)).toBe(true);
    }
    const owned = await store.execute(listSessions, { statuses: null, before: null, limit: 10, agentId: name });
    expect(owned.sessions.map(({ id }) => id)).toEqual([sessionId]);
    const overview = await store.execute(getSessionOverview, { sessionId, lines: 100, concurrency: 1 });
    expect(overview.counts.pending).toBe(names.length);
    const { rows } = await store.execute(readSessionRows, { sessionId });
    for (const [table, found] of rows)
      for (const row of found) expect(table === "sessions" ? row.id : row.session_id).toBe(sessionId);
    // Names are no ids: what only looks like one finds nothing.
    const strayed = { sessionId: asId<SessionId>(name), order: "oldest", from: null, limit: 10 } as const;
    expect((await store.execute(listMessages, strayed)).messages).toEqual([]);
  }
  const [first, ...others] = made;
  if (first === undefined) return;
  const before = await Promise.all(
    others.map(({ session }) => store.execute(readSessionRows, { sessionId: session.id })),
  );
  await store.execute(discardSession, { sessionId: first.session.id });
  for (let isDone = false; !isDone;)
    ({ isDone } = await store.execute(deleteSessionPiece, { sessionId: first.session.id, limit: 100 }));
  const after = await Promise.all(
    others.map(({ session }) => store.execute(readSessionRows, { sessionId: session.id })),
  );
  expect(after).toEqual(before);
}
