import { spawn } from "node:child_process";
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { seededRandom } from "../../base/random.ts";
import { aSession, aTask, aWorker } from "../../testing/builders.ts";
import { faultsIn } from "../../testing/store-suite/consistency.ts";
import { dumpTables } from "../../testing/table-dump.ts";
import { createTasks } from "../commands/create-tasks.ts";
import { createSession, renameSession } from "../commands/sessions.ts";
import { registerWorker } from "../commands/workers.ts";
import { linesOf, scriptPath, startChild } from "../testing/child.ts";
import { openPlaceForTest } from "../testing/open-for-test.ts";

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

describe("four processes that share one journal", () => {
  it("claim every task exactly once, and none starves", async () => {
    const workers = ["w1", "w2", "w3", "w4"];
    const store = await openPlaceForTest(place, { durability: "normal" });
    const session = await store.execute(createSession, aSession());
    for (const worker of workers) await store.execute(registerWorker, aWorker(worker));
    const refs = Array.from({ length: 400 }, (_, index) => `t${index}`);
    await store.execute(createTasks, { sessionId: session.id, tasks: refs.map((ref) => aTask({ ref })) });

    const startAt = String(Date.now() + 3_000);
    const children = workers.map((worker) => linesOf(startChild("claimer", place, worker, startAt)));
    const shares = (await Promise.all(children)).map((lines) => JSON.parse(lines.join("")) as string[]);

    expect(shares.flat().toSorted()).toEqual(refs.toSorted());
    for (const share of shares) expect(share.length).toBeGreaterThanOrEqual(20);
    expect(faultsIn(await dumpTables(store))).toEqual([]);
    await store.close();
  }, 30_000);

  it("begin it at the same moment and agree on its project", async () => {
    const startAt = String(Date.now() + 1_200);
    const writers = Array.from({ length: 4 }, () => linesOf(startChild("opener", place, startAt, "write")));
    const projects = new Set((await Promise.all(writers)).flat());
    expect([...projects]).toEqual([expect.stringMatching(/^[0-9a-f]{12}$/)]);
    expect(journalText().match(/"journal":1/g)).toHaveLength(1);
  }, 30_000);
});

describe("a process killed with SIGKILL", () => {
  it("loses nothing that was acknowledged, at 24 random moments (INV-1)", async () => {
    const seed = Date.now() % 1_000_000;
    const random = seededRandom(seed);
    const store = await openPlaceForTest(place);
    const session = await store.execute(createSession, aSession({ maxUnfinished: 1_000_000 }));
    await store.close();
    const acknowledged: string[] = [];

    for (let round = 0; round < 24; round++) {
      // Values that go to files of their own, in every third round.
      const child = startChild("writer", place, session.id, String(round), round % 3 === 0 ? "70000" : "10");
      const lines = linesOf(child);
      const [killed] = await Promise.all([killAfterFirstLine(child, random.next() * 60), lines]);
      expect(killed, `round ${round} of seed ${seed}`).toBe(true);
      acknowledged.push(...(await lines));
    }

    const survivor = await openPlaceForTest(place);
    const tables = await dumpTables(survivor);
    const present = new Set((tables.tasks ?? []).map((task) => task.key));
    expect(acknowledged.length).toBeGreaterThan(24);
    expect(
      acknowledged.filter((key) => !present.has(key)),
      `seed ${seed}`,
    ).toEqual([]);
    expect(faultsIn(tables)).toEqual([]);
    expect((await survivor.inspect?.())?.problems).toEqual([]);
    await survivor.close();
  }, 60_000);

  it("leaves a command it had written half of out, and the next write cuts it off", async () => {
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
});

/** Kills a process some time after it has begun to print. */
async function killAfterFirstLine(child: ReturnType<typeof startChild>, delayMs: number): Promise<boolean> {
  await new Promise((resolve) => child.stdout.once("data", resolve));
  await sleep(delayMs);
  return child.kill("SIGKILL");
}

describe("onCommit", () => {
  it("hears of commits by another process soon", async () => {
    const store = await openPlaceForTest(place);
    const session = await store.execute(createSession, aSession());
    const child = startChild("listener", place);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    await lines.next();

    const delays: number[] = [];
    for (let round = 0; round < 15; round++) {
      await sleep(20);
      await store.execute(renameSession, { sessionId: session.id, name: `name ${round}` });
      const committedAt = Date.now();
      const heard = await lines.next();
      delays.push(Number(heard.value) - committedAt);
    }
    child.kill("SIGKILL");
    await store.close();
    const sorted = delays.toSorted((a, b) => a - b);
    expect(sorted[7], `median of ${sorted.join(", ")} ms`).toBeLessThan(50);
  }, 20_000);
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
