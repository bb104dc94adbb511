import { describe, expect, it } from "vitest";

import { createSuite, expectRefused } from "../testing/store-suite/bench.ts";
import type { Bench } from "../testing/store-suite/bench.ts";
import { readLog } from "../testing/store-suite/log-suite.ts";
import { dumpTables, withoutCoordination } from "../testing/table-dump.ts";
import type { RawChange } from "./rebuild.ts";
import { readRawChanges, rebuildFromChanges } from "./rebuild.ts";
import { openSqliteStore } from "./sqlite/sqlite-store.ts";

const suite = createSuite({
  name: "sqlite in memory",
  open: async ({ storeName, ...deps }) => openSqliteStore({ path: ":memory:", projectName: storeName, ...deps }),
  openSecond: null,
});

async function worked(): Promise<Bench> {
  const bench = await suite.open();
  await bench.create({ ref: "a" }, { ref: "b", needs: ["a"], input: "x".repeat(100_000) });
  await bench.finish("a", "b");
  return bench;
}

describe("readRawChanges", () => {
  it("gives the log in order, page by page, its columns as the text that was logged", async () => {
    const bench = await worked();
    const all = await bench.store.execute(readRawChanges, { after: 0, limit: 1_000 });
    const firstPage = await bench.store.execute(readRawChanges, { after: 0, limit: 3 });
    const secondPage = await bench.store.execute(readRawChanges, { after: firstPage[2]?.seq ?? 0, limit: 1_000 });
    expect([...firstPage, ...secondPage]).toEqual(all);
    expect(all[0]).toMatchObject({ verb: "create", entity: "sessions", before: null, actor: "test:1" });
    expect(JSON.parse(all[0]?.after ?? "")).toMatchObject({ name: "test", metadata: "{}" });
  });
});

describe("rebuildFromChanges", () => {
  it("brings back tables and log in batches as in one go", async () => {
    const bench = await worked();
    const rebuilt = await suite.openEmpty();
    const changes = await readLog(bench.store);
    const halfway = Math.floor(changes.length / 2);
    await rebuilt.execute(rebuildFromChanges, { changes: changes.slice(0, halfway) });
    await rebuilt.execute(rebuildFromChanges, { changes: changes.slice(halfway) });
    expect(withoutCoordination(await dumpTables(rebuilt))).toEqual(withoutCoordination(await dumpTables(bench.store)));
  });

  it("takes blobs along, once", async () => {
    const bench = await worked();
    const rebuilt = await suite.openEmpty();
    const { blobs = [] } = await dumpTables(bench.store);
    const content = JSON.stringify("x".repeat(100_000));
    const named = new Map(blobs.map(({ hash }) => [String(hash), content]));
    await rebuilt.execute(rebuildFromChanges, { changes: await readLog(bench.store), blobs: named });
    await rebuilt.execute(rebuildFromChanges, { changes: [], blobs: named });
    expect((await dumpTables(rebuilt)).blobs).toEqual(blobs);
    expect(blobs).toHaveLength(1);
  });

  it.each<[string, string, (changes: readonly RawChange[]) => readonly RawChange[]]>([
    ["an entry is missing", "row is missing or different", (changes) => changes.filter((_, index) => index !== 1)],
    ["an entry is there twice", "comes after seq", (changes) => [...changes.slice(0, 2), ...changes.slice(1)]],
    ["a row is added twice", "is there already", (changes) => [...changes, again(changes, 1)]],
    [
      "a column was something else",
      "row is missing or different",
      (changes) => [...changes, update(changes, { title: "?" })],
    ],
    [
      "a column is unknown",
      'unknown column "x = 1; --"',
      (changes) => [...changes, update(changes, { "x = 1; --": 1 })],
    ],
    [
      "a table is unknown",
      'unknown table "secrets"',
      (changes) => [...changes, { ...again(changes, 1), entity: "secrets" }],
    ],
    ["a column holds no value", "holds no column value", (changes) => [...changes, update(changes, { title: [1] })]],
  ])("names the entry and changes nothing when %s", async (_, message, damage) => {
    const bench = await worked();
    const changes = damage(await readLog(bench.store));
    const store = await suite.openEmpty();
    await expectRefused({ store }, "store-damaged", () => store.execute(rebuildFromChanges, { changes }));
    await expect(store.execute(rebuildFromChanges, { changes })).rejects.toThrow(message);
    await expect(store.execute(rebuildFromChanges, { changes })).rejects.toMatchObject({
      details: { seq: expect.any(Number) },
    });
  });

  it("refuses text that is not JSON", async () => {
    const bench = await worked();
    const changes = await readLog(bench.store);
    const store = await suite.openEmpty();
    const broken = changes.map((change, index) => (index === 2 ? { ...change, after: "{" } : change));
    await expectRefused({ store }, "store-damaged", () => store.execute(rebuildFromChanges, { changes: broken }));
  });
});

/** An entry of the log once more, with the next `seq`. */
function again(changes: readonly RawChange[], index: number): RawChange {
  const change = changes[index];
  if (change === undefined) throw new RangeError(`no change ${index}`);
  return { ...change, seq: (changes.at(-1)?.seq ?? 0) + 1 };
}

/** An update of the first task whose row is said to have been `before`. */
function update(changes: readonly RawChange[], before: Readonly<Record<string, unknown>>): RawChange {
  return { ...again(changes, 1), verb: "edit", before: JSON.stringify(before), after: JSON.stringify(before) };
}
