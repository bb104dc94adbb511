import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { restoreProject } from "./library-replication.ts";
import { openPerdure } from "./perdure.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "perdure-library-replication-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("a project with a copy of its log", () => {
  test("brings it up to date when asked, and is made again from it", async () => {
    const project = join(directory, "project");
    const sink = join(directory, "sink");
    const again = join(directory, "again");
    mkdirSync(project);
    writeFileSync(join(project, "perdure.yaml"), `replication: [{ sink: jsonl, path: "${sink}" }]\n`);
    const perdure = await openPerdure({ project });
    const task = await perdure.tasks.create({ title: "Docs", executor: "write", input: null });
    expect(await perdure.replication.status()).toMatchObject([{ kind: "jsonl", problem: null }]);
    expect(await perdure.replication.sync()).toMatchObject([{ lag: 0, problem: null }]);
    await perdure.close();

    const restored = await restoreProject({ from: sink, project: again });
    expect(restored).toMatchObject({ missing: [], notices: [] });
    const reopened = await openPerdure({ project: again });
    expect(await reopened.tasks.get(task.id)).toMatchObject({ title: "Docs", status: "pending" });
    await reopened.close();
    await expect(restoreProject({ from: sink, project: again })).rejects.toMatchObject({ code: "conflict" });
  });
});
