import { spawn } from "node:child_process";
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, it } from "vitest";

import { aSession } from "../../testing/builders.ts";
import { dumpTables } from "../../testing/table-dump.ts";
import { createSession, renameSession } from "../commands/sessions.ts";
import { linesOf, scriptPath, startChild } from "../testing/child.ts";
import { openPlaceForTest } from "../testing/open-for-test.ts";
import { processesSuite } from "../testing/processes-suite.ts";

let directory: string;
let place: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "perdure-jsonl-"));
  place = `jsonl:${directory}`;
});
afterEach(() => rmSync(directory, { recursive: true }));

const journalText = (): string =>
  readdirSync(join(directory, "journal"))
    .map((name) => readFileSync(join(directory, "journal", name), "utf8"))
    .join("");

processesSuite({ place: () => place, startUpMs: 3_000, leastShare: 20 });

it("four processes begin a journal at the same moment and agree on its project", async () => {
  const startAt = String(Date.now() + 1_200);
  const writers = Array.from({ length: 4 }, () => linesOf(startChild("opener", place, startAt, "write")));
  const projects = new Set((await Promise.all(writers)).flat());
  expect([...projects]).toEqual([expect.stringMatching(/^[0-9a-f]{12}$/)]);
  expect(journalText().match(/"journal":1/g)).toHaveLength(1);
}, 30_000);

it("a command a killed process had written half of is left out, and the next write cuts it off", async () => {
  const store = await openPlaceForTest(place);
  const session = await store.execute(createSession, aSession());
  await store.close();
  const [file = ""] = readdirSync(join(directory, "journal"));
  const whole = journalText();
  const last = whole.trimEnd().split("\n").at(-1) ?? "";
  appendFileSync(join(directory, "journal", file), last.slice(0, 50));

  const survivor = await openPlaceForTest(place);
  await survivor.execute(renameSession, { sessionId: session.id, name: "goes on" });
  await survivor.close();
  expect(journalText().startsWith(whole)).toBe(true);
  expect(journalText().slice(whole.length)).toMatch(/^\{"seq":.*"goes on".*\}\n$/);
});

// A limit on the size of files stands in for a full disk; Windows has none.
it.skipIf(process.platform === "win32")(
  "a disk that fills up refuses what does not fit whole, loses nothing, and leaves the store usable",
  async () => {
    const store = await openPlaceForTest(place);
    const session = await store.execute(createSession, aSession({ maxUnfinished: 1_000_000 }));
    await store.close();

    // POSIX counts blocks of 512 bytes: 1 MB.
    const args = ["-c", `ulimit -f 2000; exec "$@"`, "sh", process.execPath];
    const script = [scriptPath("writer"), place, session.id, "t", "20000"];
    const lines = await linesOf(spawn("sh", [...args, ...script], { stdio: ["ignore", "pipe", "inherit"] }));
    const acknowledged = lines.filter((line) => line.startsWith("t-"));
    expect([...new Set(lines.filter((line) => line.startsWith("error ")))]).toEqual(["error store-unreachable"]);
    expect(acknowledged.length).toBeGreaterThan(5);
    expect(lines.at(-1)).toBe(`count ${acknowledged.length}`);

    const afterwards = await openPlaceForTest(place);
    const tables = await dumpTables(afterwards);
    expect((tables.tasks ?? []).map((task) => task.key).toSorted()).toEqual(acknowledged.toSorted());
    await afterwards.execute(renameSession, { sessionId: session.id, name: "goes on" });
    await afterwards.close();
  },
  20_000,
);
