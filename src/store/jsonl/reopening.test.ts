import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { seededRandom } from "../../base/random.ts";
import { aSession, aTask } from "../../testing/builders.ts";
import { fakeClock } from "../../testing/fake-clock.ts";
import { createSuite } from "../../testing/store-suite/bench.ts";
import type { SuiteStore } from "../../testing/store-suite/suite-options.ts";
import { playActs, randomActs } from "../../testing/store-suite/workload.ts";
import { dumpTables, withoutHints } from "../../testing/table-dump.ts";
import { createTasks } from "../commands/create-tasks.ts";
import { createSession, renameSession } from "../commands/sessions.ts";
import { openJsonlStore } from "./jsonl-store.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "perdure-reopening-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const suite = createSuite({
  name: "jsonl",
  open: async ({ storeName, ...deps }) =>
    await openJsonlStore({ directory: join(root, storeName), projectName: "test", durability: "normal", ...deps }),
  openSecond: null,
});

async function open(directory = join(root, "alone"), clock = fakeClock()): Promise<SuiteStore> {
  return await openJsonlStore({ directory, projectName: "test", actor: "test", clock, random: seededRandom(3) });
}
const journalOf = (directory: string): string => join(directory, "journal");
const namesIn = (directory: string): readonly string[] => readdirSync(directory).toSorted();

describe("a jsonl store that is opened again", () => {
  it.each([1, 2, 3, 4, 5, 6])("holds what it held, blobs and workers included (seed %i)", async (seed) => {
    const bench = await suite.open();
    await bench.create({ ref: "large", input: "x".repeat(100_000) }, { ref: "small", input: "y".repeat(60_000) });
    const random = seededRandom(seed);
    for (let month = 0; month < 3; month++) {
      await playActs(bench, randomActs(random, 40), () => {});
      bench.clock.advance(31 * 86_400_000);
    }
    await bench.create({ ref: "later" }).catch(() => {});
    const before = withoutHints(await dumpTables(bench.store));
    const [directory = ""] = namesIn(root);
    await bench.store.close();
    const again = await open(join(root, directory), bench.clock);
    expect(withoutHints(await dumpTables(again))).toEqual(before);
    expect(again.projectId).toBe(bench.store.projectId);
    await again.close();
  });

  it("finds the months that are over compressed", async () => {
    const clock = fakeClock();
    const directory = join(root, "alone");
    const store = await open(directory, clock);
    const session = await store.execute(createSession, aSession());
    for (let month = 0; month < 2; month++) {
      clock.advance(31 * 86_400_000);
      await store.execute(renameSession, { sessionId: session.id, name: `month ${month}` });
    }
    await store.close();
    expect(namesIn(journalOf(directory))).toEqual(["2026-01.jsonl.gz", "2026-02.jsonl.gz", "2026-03.jsonl"]);
    const again = await open(directory, clock);
    expect((await dumpTables(again)).sessions).toMatchObject([{ name: "month 1" }]);
    await again.close();
  });

  /** Of a command that begins in one month and ends in the next, as a repair may write it, the lines in each file. */
  async function divideOverMonths(lastMonth: (lines: readonly string[]) => readonly string[]): Promise<void> {
    const clock = fakeClock();
    const store = await open(join(root, "alone"), clock);
    const { id: sessionId } = await store.execute(createSession, aSession());
    await store.execute(createTasks, { sessionId, tasks: [aTask({ ref: "one" }), aTask({ ref: "two" })] });
    await store.execute(renameSession, { sessionId, name: "later" });
    await store.close();
    const file = join(journalOf(join(root, "alone")), "2026-01.jsonl");
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    const divide = lines.findIndex((line) => line.includes('"part":1'));
    const header = lines[0] ?? "";
    const write = (path: string, of: readonly string[]): void =>
      writeFileSync(path, of.map((line) => `${line}\n`).join(""));
    write(file, lines.slice(0, divide));
    write(file.replace("01.jsonl", "02.jsonl"), [header, ...lastMonth(lines.slice(divide))]);
  }

  it("takes in a command that a repair has left in two months", async () => {
    await divideOverMonths((lines) => lines);
    const store = await open();
    const { tasks, sessions } = await dumpTables(store);
    expect(tasks?.map(({ title }) => title)).toEqual(["one", "two"]);
    expect(sessions).toMatchObject([{ name: "later" }]);
    await store.close();
  });

  it("leaves out a command that was begun in one month and never ended", async () => {
    await divideOverMonths((lines) => lines.filter((line) => !line.includes('"part":')));
    const store = await open();
    const { tasks, sessions } = await dumpTables(store);
    expect(tasks).toEqual([]);
    expect(sessions).toMatchObject([{ name: "later" }]);
    await store.close();
  });

  it("leaves nothing behind when nothing was written", async () => {
    const store = await open();
    await dumpTables(store);
    await store.close();
    expect(namesIn(root)).toEqual([]);
  });

  it("names the line that is damaged, and changes nothing", async () => {
    const store = await open();
    const session = await store.execute(createSession, aSession());
    await store.execute(renameSession, { sessionId: session.id, name: "new" });
    await store.close();
    const [name = ""] = namesIn(journalOf(join(root, "alone")));
    const file = join(journalOf(join(root, "alone")), name);
    const text = readFileSync(file, "utf8").replace('"verb":"create"', '"verb":"creote"');
    writeFileSync(file, text);
    await expect(open()).rejects.toMatchObject({ code: "store-damaged", details: { file, line: 2 } });
    expect(readFileSync(file, "utf8")).toBe(text);
  });

  it("refuses the journals of two projects", async () => {
    const store = await open();
    await store.execute(createSession, aSession());
    await store.close();
    const other = await openJsonlStore({
      directory: join(root, "other"),
      projectName: "other",
      actor: "test",
      clock: fakeClock(),
      random: seededRandom(99),
    });
    await other.execute(createSession, aSession());
    await other.close();
    const [name = ""] = namesIn(journalOf(join(root, "other")));
    const header = readFileSync(join(journalOf(join(root, "other")), name), "utf8").split("\n")[0];
    appendFileSync(join(journalOf(join(root, "alone")), name), `${header}\n`);
    await expect(open()).rejects.toMatchObject({ code: "store-damaged" });
  });

  it("says so when it cannot be written to", async () => {
    mkdirSync(join(root, "alone"));
    writeFileSync(journalOf(join(root, "alone")), "not a directory");
    const opening = open().then((store) => store.execute(createSession, aSession()));
    await expect(opening).rejects.toMatchObject({ code: "store-unreachable" });
  });
});
