import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import type { Config } from "../config/config.ts";
import { DEFAULT_CONFIG } from "../config/config.ts";
import type { Checkpoint } from "../domain/checkpoint.ts";
import type { SessionId } from "../domain/ids.ts";
import { asId } from "../domain/ids.ts";
import { createCheckpoint } from "../store/commands/checkpoints.ts";
import { createSession } from "../store/commands/sessions.ts";
import { anEnvironment, aSession } from "../testing/builders.ts";
import { checkpointCreate } from "./checkpoint-create.ts";
import { checkpointDiff } from "./checkpoint-diff.ts";
import { cleanup } from "./cleanup.ts";
import { sessionShow } from "./session-show.ts";
import { checkpointRestore } from "./checkpoint-restore.ts";
import { runOperation } from "./operation.ts";
import { aProject } from "./testing/project.ts";
import { forgetSnapshots, takeSnapshot, workspaceOf } from "./workspace-of.ts";

async function aWorkedProject(config: Partial<Config> = {}) {
  const project = aProject(config);
  const session = await project.store.execute(createSession, aSession());
  const file = join(project.projectDir, "notes.txt");
  writeFileSync(file, "first");
  const create = (workspace: boolean | null) =>
    runOperation(checkpointCreate, project, { input: { session: session.id, workspace } });
  const restore = (checkpoint: string, workspace: boolean) =>
    runOperation(checkpointRestore, project, { input: { checkpoint, workspace, wait: 0 } });
  return { project, file, create, restore };
}

describe("cleanup", () => {
  it("forgets the snapshots of checkpoints that went, and keeps those of the others whole", async () => {
    const retention = { ...DEFAULT_CONFIG.retention, checkpoints: 1, checkpointsMs: 0 };
    const { project, file, restore } = await aWorkedProject({ retention });
    const sessionId = asId<SessionId>((await runOperation(sessionShow, project, { input: {} })).id);
    const made: Checkpoint[] = [];
    for (const text of ["one", "two", "three", "four"]) {
      writeFileSync(file, text);
      const workspace = await takeSnapshot(project, text);
      const input = { sessionId, label: text, kind: "automatic", environment: anEnvironment(), workspace } as const;
      made.push(await project.store.execute(createCheckpoint, input));
    }
    project.clock.advance(2 * 3_600_000);

    expect((await cleanup.run(project, { dryRun: true })).removed.snapshots.count).toBe(0);
    const { removed } = await cleanup.run(project, { dryRun: false });
    const again = await cleanup.run(project, { dryRun: false });

    // The first says in which environment the session began.
    const forgotten = made.slice(1, 3).map(({ workspace }) => workspace);
    expect(removed.checkpoints.count).toBe(2);
    expect(removed.snapshots.items.toSorted()).toEqual(forgotten.toSorted());
    expect(again.removed.snapshots.count).toBe(0);
    await restore(made[0]?.id ?? "", true);
    expect(readFileSync(file, "utf8")).toBe("one");
    expect(await workspaceOf(project).check()).toEqual([]);
  });
});

describe("a checkpoint with a snapshot of the workspace", () => {
  it("brings the files back with the session, and undoing that brings back what was replaced", async () => {
    const { project, file, create, restore } = await aWorkedProject();
    const made = await create(true);
    expect(made.workspace).toMatch(/^[0-9a-f]{40}$/);
    writeFileSync(file, "second");
    writeFileSync(join(project.projectDir, "more.txt"), "more");
    const diff = await runOperation(checkpointDiff, project, { input: { from: made.id } });
    expect(diff.files).toEqual([
      { path: "more.txt", change: "added" },
      { path: "notes.txt", change: "modified" },
    ]);
    const { undo, files } = await restore(made.id, true);
    expect(files).toEqual({ written: 1, deleted: 1, leftAlone: [] });
    expect(readFileSync(file, "utf8")).toBe("first");
    expect(existsSync(join(project.projectDir, "more.txt"))).toBe(false);
    await restore(undo.id, true);
    expect(readFileSync(file, "utf8")).toBe("second");
    expect(readFileSync(join(project.projectDir, "more.txt"), "utf8")).toBe("more");
  });

  it("leaves the files alone unless they are asked for", async () => {
    const { file, create, restore } = await aWorkedProject();
    const made = await create(true);
    writeFileSync(file, "second");
    await expect(restore(made.id, false)).resolves.toMatchObject({ files: null });
    expect(readFileSync(file, "utf8")).toBe("second");
  });

  it("is asked for: without one, restoring the files is refused and nothing happens", async () => {
    const { project, create, restore } = await aWorkedProject();
    const made = await create(null);
    expect(made.workspace).toBeNull();
    await expect(restore(made.id, true)).rejects.toMatchObject({ code: "wrong-state" });
    expect(existsSync(join(project.projectDir, ".perdure", "workspace.git"))).toBe(false);
  });

  it("leaves the session alone when its snapshot is gone", async () => {
    const { project, create, restore } = await aWorkedProject();
    const made = await create(true);
    rmSync(join(project.projectDir, ".perdure", "workspace.git", "objects"), { recursive: true });
    await expect(restore(made.id, true)).rejects.toMatchObject({ code: "not-found" });
    const { items } = await runOperation((await import("./checkpoint-list.ts")).checkpointList, project, { input: {} });
    expect(items).toHaveLength(1);
  });

  it("keeps its snapshot from being forgotten", async () => {
    const { project, file, create, restore } = await aWorkedProject();
    const made = await create(true);
    project.clock.advance(2 * 3_600_000);
    await expect(forgetSnapshots(project, { isDryRun: false })).resolves.toEqual([]);
    writeFileSync(file, "second");
    await restore(made.id, true);
    expect(readFileSync(file, "utf8")).toBe("first");
  });
});
