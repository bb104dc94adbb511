/** `perdure cleanup` on a server that several machines share. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { asId } from "../domain/ids.ts";
import type { WorkerId } from "../domain/ids.ts";
import { cleanup } from "../operations/cleanup.ts";
import { addArtifact } from "../store/commands/artifacts.ts";
import { claimTask } from "../store/commands/claims.ts";
import { listBlobs } from "../store/commands/cleanup-log.ts";
import { createTasks } from "../store/commands/create-tasks.ts";
import { storeBlobs } from "../store/commands/import-session.ts";
import { createSession } from "../store/commands/sessions.ts";
import { registerWorker } from "../store/commands/workers.ts";
import { useTestDatabase } from "../store/testing/postgres/test-database.ts";
import { aSession, aTask, aWorker } from "../testing/builders.ts";
import { fakeClock } from "../testing/fake-clock.ts";
import type { Project } from "./open-project.ts";
import { openProject } from "./open-project.ts";

const HOUR_MS = 3_600_000;

const database = useTestDatabase();

const clock = fakeClock();

async function aMachine(projectName: string): Promise<Project> {
  const directory = mkdtempSync(join(tmpdir(), "perdure-machine-"));
  const store = `${database()}?project=${projectName}&pool=2`;
  const project = await openProject({ directory, isExact: true, store, durability: null, actor: "test", clock });
  onTestFinished(async () => {
    await project.close();
    rmSync(directory, { recursive: true, force: true });
  });
  return project;
}

test("a cleanup on one machine removes from the server what nothing refers to, and nothing of other projects", async () => {
  const [worker, cleaner, other] = [await aMachine("one"), await aMachine("one"), await aMachine("two")];
  const { id: sessionId } = await worker.store.execute(createSession, aSession());
  const [task] = await worker.store.execute(createTasks, { sessionId, tasks: [aTask({ ref: "a" })] });
  await worker.store.execute(registerWorker, aWorker("w1", { leaseMs: 10 * HOUR_MS }));
  const { execution } = await worker.store.execute(claimTask, {
    taskId: task?.id ?? asId("none"),
    workerId: asId<WorkerId>("w1"),
  });
  const kept = await worker.artifactFiles.putBytes(Buffer.from("kept"));
  const hold = { executionId: execution.id, fence: execution.fence };
  await worker.store.execute(addArtifact, { hold, name: "a", mediaType: "x/y", ...kept });
  const orphan = await worker.artifactFiles.putBytes(Buffer.from("orphan"));
  const foreign = await other.artifactFiles.putBytes(Buffer.from("orphan"));
  const blob = ["ab".repeat(32), "nobody's"] as const;
  await worker.store.execute(storeBlobs, { blobs: [blob] });
  await other.store.execute(storeBlobs, { blobs: [blob] });
  expect((await cleanup.run(cleaner, { dryRun: true })).removed.artifacts.count).toBe(0);

  clock.advance(2 * HOUR_MS);
  const young = await worker.artifactFiles.putBytes(Buffer.from("just being put"));
  const planned = await cleanup.run(cleaner, { dryRun: true });
  expect(planned.removed).toMatchObject({
    artifacts: { count: 1, sizeBytes: 6, items: [orphan.hash] },
    blobs: { count: 1, items: [blob[0]] },
  });
  expect(await cleaner.artifactFiles.has(orphan.hash)).toBe(true);
  const done = await cleanup.run(cleaner, { dryRun: false });
  expect([done.removed.artifacts, done.removed.blobs]).toEqual([planned.removed.artifacts, planned.removed.blobs]);

  expect(await cleaner.artifactFiles.has(orphan.hash)).toBe(false);
  for (const { hash } of [kept, young]) expect(await cleaner.artifactFiles.has(hash)).toBe(true);
  const elsewhere = await aMachine("two");
  expect(await elsewhere.artifactFiles.has(foreign.hash)).toBe(true);
  expect((await elsewhere.store.execute(listBlobs, { after: "", limit: 9 })).blobs).toHaveLength(1);
  expect((await cleanup.run(cleaner, { dryRun: false })).removed.artifacts.count).toBe(0);
});
