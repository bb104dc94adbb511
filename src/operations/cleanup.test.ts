import { mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { sha256 } from "../base/sha256.ts";
import type { RetentionConfig } from "../config/config.ts";
import { DEFAULT_CONFIG } from "../config/config.ts";
import type { WorkerId } from "../domain/ids.ts";
import { asId } from "../domain/ids.ts";
import { claimTask } from "../store/commands/claims.ts";
import { addArtifact } from "../store/commands/artifacts.ts";
import { beginTrim, findLogBeginning, trimChanges } from "../store/commands/cleanup-log.ts";
import { createTasks } from "../store/commands/create-tasks.ts";
import { editTask } from "../store/commands/edit-task.ts";
import { getTask, resolveTask } from "../store/commands/task-queries.ts";
import { cancelSession, createSession } from "../store/commands/sessions.ts";
import { registerWorker } from "../store/commands/workers.ts";
import { aSession, aTask, aWorker } from "../testing/builders.ts";
import { readLog } from "../testing/store-suite/log-suite.ts";
import { dumpTables } from "../testing/table-dump.ts";
import { cleanup } from "./cleanup.ts";
import type { OperationContext } from "./operation.ts";
import { addOccurrences, insertCheckpoint } from "./testing/old-things.ts";
import type { TestProject } from "./testing/project.ts";
import { aProject } from "./testing/project.ts";

const DAY_MS = 86_400_000;
const STRICT: RetentionConfig = {
  ...DEFAULT_CONFIG.retention,
  executions: 20,
  executionsMs: 0,
  checkpoints: 2,
  checkpointsMs: 0,
  logMs: 0,
};

function aStrictProject(retention: Partial<RetentionConfig> = {}): TestProject {
  return aProject({ retention: { ...STRICT, ...retention } });
}

async function countRows({ store }: OperationContext, table: string): Promise<number> {
  return (await dumpTables(store))[table]?.length ?? 0;
}

describe("cleanup", () => {
  it("keeps the newest executions of a recurring task, and all that are younger", async () => {
    const project = aStrictProject({ executionsMs: DAY_MS / 2 });
    const { id } = await project.store.execute(createSession, aSession());
    await addOccurrences(project, id, 23);
    expect((await cleanup.run(project, { dryRun: false })).removed.executions.count).toBe(0);

    project.clock.advance(DAY_MS);
    const planned = await cleanup.run(project, { dryRun: true });
    expect(await countRows(project, "cleanups")).toBe(1);
    const done = await cleanup.run(project, { dryRun: false });

    expect(planned.removed.executions.count).toBe(3);
    expect(done.removed.executions).toEqual(planned.removed.executions);
    expect(await countRows(project, "executions")).toBe(20);
    expect((await cleanup.run(project, { dryRun: false })).removed.executions.count).toBe(0);
  });

  it("removes a session only when it is said how long to keep them, and never the newest", async () => {
    const project = aStrictProject();
    const old = await project.store.execute(createSession, aSession({ name: "old" }));
    await project.store.execute(createTasks, { sessionId: old.id, tasks: [aTask({ ref: "a" })] });
    await project.store.execute(cancelSession, { sessionId: old.id });
    const newest = await project.store.execute(createSession, aSession({ name: "newest" }));
    await project.store.execute(cancelSession, { sessionId: newest.id });
    project.clock.advance(2 * DAY_MS);

    expect((await cleanup.run(project, { dryRun: false })).removed.sessions.count).toBe(0);
    const strict = { ...project, config: { ...project.config, retention: { ...STRICT, sessionsMs: DAY_MS } } };
    expect((await cleanup.run(strict, { dryRun: false })).removed.sessions.items).toEqual([`${old.id} (old)`]);

    const tables = await dumpTables(project.store);
    expect(tables.sessions?.map(({ name }) => name)).toEqual(["newest"]);
    expect(tables.tasks).toEqual([]);
  });

  it("keeps every change a checkpoint needs, and all of them without a mirror", async () => {
    const project = aStrictProject();
    const { id } = await project.store.execute(createSession, aSession());
    await project.store.execute(createTasks, { sessionId: id, tasks: [aTask({ ref: "a" }), aTask({ ref: "b" })] });
    const position = await project.store.execute(insertCheckpoint, { sessionId: id, kind: "manual" });
    await project.store.execute(createTasks, { sessionId: id, tasks: [aTask({ ref: "c" })] });
    project.clock.advance(DAY_MS);

    const alone = await cleanup.run(project, { dryRun: false });
    expect(alone.removed.changes.count).toBe(0);
    expect(alone.notices).toEqual([expect.stringContaining("no mirror")]);

    const newest = (await readLog(project.store)).at(-1)?.seq ?? 0;
    const mirrored = { ...project, logMirror: aMirror(newest) };
    const behind = { ...project, logMirror: aMirror(1) };
    expect((await cleanup.run(behind, { dryRun: true })).removed.changes.count).toBeLessThanOrEqual(1);
    expect((await cleanup.run(mirrored, { dryRun: false })).removed.changes.count).toBeGreaterThan(0);
    expect((await readLog(project.store))[0]?.seq).toBeLessThanOrEqual(position);
    expect((await readLog(project.store))[0]?.part).toBe(0);
  });

  it("goes on with what one that was killed had begun to cut off", async () => {
    const project = aStrictProject();
    const { id } = await project.store.execute(createSession, aSession());
    for (let index = 0; index < 20; index += 1)
      await project.store.execute(createTasks, { sessionId: id, tasks: [aTask({ ref: `t${index}` })] });
    project.clock.advance(DAY_MS);
    const newest = (await readLog(project.store)).at(-1)?.seq ?? 0;
    const rule = { before: project.clock.now(), mirroredSeq: newest - 5 };
    const through = await project.store.execute(beginTrim, rule);
    await project.store.execute(trimChanges, { limit: 3 });
    expect(await project.store.execute(findLogBeginning, null)).toBe(through);

    const { removed } = await cleanup.run({ ...project, logMirror: aMirror(newest - 5) }, { dryRun: false });

    expect(removed.changes.count).toBe((through ?? 0) - 3);
    expect((await readLog(project.store))[0]?.seq).toBe((through ?? 0) + 1);
  });

  it("removes large values only once neither a row nor a kept change refers to them", async () => {
    const project = aStrictProject();
    const { id } = await project.store.execute(createSession, aSession());
    const large = (letter: string) => ({ text: letter.repeat(100_000) });
    const tasks = [aTask({ ref: "a", input: large("a") }), aTask({ ref: "b", input: large("b") })];
    const [first] = await project.store.execute(createTasks, { sessionId: id, tasks });
    await project.store.execute(editTask, { taskId: first?.id ?? asId("none"), edit: { input: 1 } });
    project.clock.advance(DAY_MS);
    expect((await cleanup.run(project, { dryRun: false })).removed.blobs.count).toBe(0);

    const newest = (await readLog(project.store)).at(-1)?.seq ?? 0;
    const { removed } = await cleanup.run({ ...project, logMirror: aMirror(newest) }, { dryRun: false });

    expect(removed.blobs.count).toBe(1);
    expect((await project.store.execute(getTask, { taskId: first?.id ?? asId("none") })).input).toBe(1);
    const kept = await project.store.execute(resolveTask, { reference: "b", sessionId: id });
    expect((await project.store.execute(getTask, { taskId: kept })).input).toEqual(large("b"));
  });

  it("removes artifact files that no row names, but none put within the hour", async () => {
    const project = aStrictProject();
    const { id } = await project.store.execute(createSession, aSession());
    const [task] = await project.store.execute(createTasks, { sessionId: id, tasks: [aTask({ ref: "a" })] });
    await project.store.execute(registerWorker, aWorker("w", { leaseMs: 365 * DAY_MS }));
    const { execution } = await project.store.execute(claimTask, {
      taskId: task?.id ?? asId("none"),
      workerId: asId<WorkerId>("w"),
    });
    const [used, orphan, young] = await Promise.all(
      ["used", "orphan", "young"].map((text) => project.artifactFiles.putBytes(Buffer.from(text))),
    );
    if (used === undefined || orphan === undefined || young === undefined) throw new Error("no files");
    const hold = { executionId: execution.id, fence: execution.fence };
    await project.store.execute(addArtifact, { hold, name: "a", mediaType: "text/plain", ...used });
    age(project, used.hash, 2 * 3_600_000);
    age(project, orphan.hash, 2 * 3_600_000);
    age(project, young.hash, 60_000);

    const { removed } = await cleanup.run(project, { dryRun: false });

    expect(removed.artifacts).toEqual({ count: 1, sizeBytes: 6, items: [orphan.hash] });
    expect(await project.artifactFiles.has(orphan.hash)).toBe(false);
    expect(await project.artifactFiles.has(used.hash)).toBe(true);
    expect(await project.artifactFiles.has(young.hash)).toBe(true);
  });

  it("puts back what a removal that was killed had set aside", async () => {
    const project = aStrictProject();
    const hash = sha256().update("kept").digest("hex");
    const directory = join(project.projectDir, ".perdure", "artifacts", hash.slice(0, 2));
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `${hash}.0b1f.removing`), "kept");

    await cleanup.run(project, { dryRun: true });

    expect(readdirSync(directory)).toEqual([hash]);
    expect(String(await project.artifactFiles.read(hash))).toBe("kept");
  });

  it("removes damaged files once they are old, and forgets workers that hold nothing", async () => {
    const project = aStrictProject();
    const directory = join(project.projectDir, ".perdure", "damaged");
    mkdirSync(directory, { recursive: true });
    for (const [name, ageMs] of [
      ["old.db", 31 * DAY_MS],
      ["new.db", DAY_MS],
    ] as const) {
      writeFileSync(join(directory, name), "x");
      const at = (project.clock.now() - ageMs) / 1_000;
      utimesSync(join(directory, name), at, at);
    }
    await project.store.execute(registerWorker, aWorker("gone", { leaseMs: 1_000 }));
    await project.store.execute(registerWorker, aWorker("here", { leaseMs: DAY_MS, pid: null }));
    project.clock.advance(2_000);

    const { removed } = await cleanup.run(project, { dryRun: false });

    expect(removed.damaged.items).toEqual([join(".perdure", "damaged", "old.db")]);
    expect(readdirSync(directory)).toEqual(["new.db"]);
    expect(removed.workers.items).toEqual(["worker gone"]);
  });
});

function aMirror(seq: number) {
  return { mirroredSeq: () => Promise.resolve(seq), filesInUse: () => Promise.resolve(new Set<string>()) };
}

function age(project: TestProject, hash: string, ms: number): void {
  const at = (project.clock.now() - ms) / 1_000;
  utimesSync(join(project.projectDir, ".perdure", "artifacts", hash.slice(0, 2), hash), at, at);
}
