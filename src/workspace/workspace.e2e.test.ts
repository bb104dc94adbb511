import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { describe, expect, it } from "vitest";

import { seededRandom, systemRandom } from "../base/random.ts";
import { aWorkspace } from "./testing/a-workspace.ts";
import { fileState } from "./testing/file-state.ts";

const RESTORER = fileURLToPath(new URL("./testing/restorer.ts", import.meta.url));

async function startRestorer(dir: string, commit: string) {
  const child = spawn(process.execPath, [RESTORER, dir, commit], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  return child;
}

describe("a process killed while it takes and restores snapshots", () => {
  it("leaves nothing behind that keeps the next from restoring exactly", async () => {
    const seed = Math.floor(systemRandom.next() * 1e9);
    const random = seededRandom(seed);
    const { dir, workspace, write } = aWorkspace();
    for (let file = 0; file < 40; file++) write(`file${file}`, `original ${file}`, file % 2 === 0 ? 0o644 : 0o755);
    write("sub/file", "original");
    const { commit } = await workspace.take({ label: "original" });
    const original = fileState(dir);
    for (let round = 0; round < 8; round++) {
      const child = await startRestorer(dir, commit);
      await pause(random.next() * 500);
      child.kill("SIGKILL");
      await once(child, "exit");
      await workspace.restore(commit);
      expect(fileState(dir), `seed ${seed}, round ${round}`).toEqual(original);
      expect(await workspace.check(), `seed ${seed}, round ${round}`).toEqual([]);
    }
  }, 60_000);
});

describe("several processes at once", () => {
  it("wait for each other", async () => {
    const { dir, workspace, write } = aWorkspace();
    write("file0", "original");
    const { commit } = await workspace.take({ label: "original" });
    const children = await Promise.all([startRestorer(dir, commit), startRestorer(dir, commit)]);
    for (let turn = 0; turn < 4; turn++) {
      const { before } = await workspace.restore(commit);
      await expect(workspace.diff(before, commit)).resolves.toBeInstanceOf(Array);
    }
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(children.map((child) => (child.exitCode === null ? once(child, "exit") : null)));
    await expect(workspace.check()).resolves.toEqual([]);
  }, 60_000);
});
