import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { openPerdure } from "./perdure.ts";

test("perdure.checkpoints › creates, lists, restores, forks and compares", async () => {
  const project = mkdtempSync(join(tmpdir(), "perdure-library-"));
  const perdure = await openPerdure({ project });
  onTestFinished(async () => {
    await perdure.close();
    rmSync(project, { recursive: true, force: true });
  });
  perdure.define("work", {}, () => "done");
  const session = await perdure.sessions.create({ name: "s" });
  const task = await perdure.tasks.create({ title: "a", executor: "work", session: session.id });
  const before = await perdure.checkpoints.create(session.id, { label: "before" });
  await perdure.work({ until: "idle" });
  expect(await perdure.tasks.get(task.id)).toMatchObject({ status: "completed" });

  const { checkpoints } = await perdure.checkpoints.list("s");
  expect(checkpoints.map(({ kind }) => kind)).toEqual(["final", "manual"]);
  expect(await perdure.checkpoints.get("before")).toEqual(before);
  const { described } = await perdure.checkpoints.diff("before");
  expect(described.tasks).toMatchObject([{ task: "a", from: "pending", to: "completed" }]);

  const fork = await perdure.checkpoints.fork("before", { name: "again" });
  expect(fork).toMatchObject({ name: "again", status: "paused" });
  const { undo } = await perdure.checkpoints.restore("before");
  expect(await perdure.tasks.get(task.id)).toMatchObject({ status: "pending" });
  await perdure.checkpoints.restore(undo.id);
  expect(await perdure.tasks.get(task.id)).toMatchObject({ status: "completed" });

  await perdure.sessions.resume(fork.id);
  await perdure.work({ until: "idle" });
  expect(await perdure.sessions.get(fork.id)).toMatchObject({ status: "completed" });
});

test("perdure.checkpoints › takes and restores the project's files when asked to, and undoes that", async () => {
  const project = mkdtempSync(join(tmpdir(), "perdure-library-"));
  const perdure = await openPerdure({ project });
  onTestFinished(async () => {
    await perdure.close();
    rmSync(project, { recursive: true, force: true });
  });
  const [kept, added] = [join(project, "kept.txt"), join(project, "added.txt")];
  const { id } = await perdure.sessions.create({ name: "s" });
  writeFileSync(kept, "before");
  const { workspace } = await perdure.checkpoints.create(id, { label: "files", workspace: true });
  expect(workspace).not.toBeNull();
  expect((await perdure.checkpoints.create(id, { label: "none", workspace: false })).workspace).toBeNull();
  writeFileSync(kept, "after");
  writeFileSync(added, "new");

  expect((await perdure.checkpoints.restore("files")).files).toBeNull();
  expect(readFileSync(kept, "utf8")).toBe("after");
  const { undo, files } = await perdure.checkpoints.restore("files", { workspace: true });
  expect(files).toMatchObject({ written: 1, deleted: 1, leftAlone: [] });
  expect([readFileSync(kept, "utf8"), existsSync(added)]).toEqual(["before", false]);
  await perdure.checkpoints.restore(undo.id, { workspace: true });
  expect([readFileSync(kept, "utf8"), readFileSync(added, "utf8")]).toEqual(["after", "new"]);
  await expect(perdure.checkpoints.restore("none", { workspace: true })).rejects.toMatchObject({ code: "wrong-state" });
});
