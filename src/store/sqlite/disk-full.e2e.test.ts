import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, it } from "vitest";

import { aSession } from "../../testing/builders.ts";
import { faultsIn } from "../../testing/store-suite/consistency.ts";
import { dumpTables } from "../../testing/table-dump.ts";
import { createSession, renameSession } from "../commands/sessions.ts";
import { linesOf, scriptPath } from "../testing/child.ts";
import { openForTest } from "../testing/open-for-test.ts";

// A limit on the size of files stands in for a full disk; Windows has none.
it.skipIf(process.platform === "win32")(
  "a disk that fills up refuses what does not fit whole, loses nothing, and leaves the store usable",
  async () => {
    const directory = mkdtempSync(join(tmpdir(), "perdure-full-"));
    const path = join(directory, "perdure.db");
    const store = openForTest(path);
    const session = await store.execute(createSession, aSession({ maxUnfinished: 1_000_000 }));
    await store.close();

    // POSIX counts blocks of 512 bytes: 1 MB.
    const limited = `ulimit -f 2000; exec "$@"`;
    const args = ["-c", limited, "sh", process.execPath, scriptPath("writer"), path, session.id, "t", "20000"];
    const lines = await linesOf(spawn("sh", args, { stdio: ["ignore", "pipe", "inherit"] }));
    const acknowledged = lines.filter((line) => line.startsWith("t-"));
    const errors = new Set(lines.filter((line) => line.startsWith("error ")));
    expect([...errors]).toEqual(["error store-unreachable"]);
    expect(acknowledged.length).toBeGreaterThan(5);
    expect(lines.at(-1)).toBe(`count ${acknowledged.length}`);

    const afterwards = openForTest(path);
    const tables = await dumpTables(afterwards);
    expect((tables.tasks ?? []).map((task) => task.key).toSorted()).toEqual(acknowledged.toSorted());
    expect(faultsIn(tables)).toEqual([]);
    await afterwards.execute(renameSession, { sessionId: session.id, name: "goes on" });
    await afterwards.close();
    rmSync(directory, { recursive: true });
  },
  20_000,
);
