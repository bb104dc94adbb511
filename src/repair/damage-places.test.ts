import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { seededRandom } from "../base/random.ts";
import { sha256 } from "../base/sha256.ts";
import { hasLost } from "./report.ts";
import type { DamageLab, LabProject } from "./testing/damage-lab.ts";
import { createDamageLab, harm, HARMS } from "./testing/damage-lab.ts";
import { SEED } from "./testing/seed.ts";

let lab: DamageLab;
let lagging: DamageLab;
beforeAll(async () => {
  lab = await createDamageLab({ seed: 4, acts: 30 });
  lagging = await createDamageLab({ seed: 6, acts: 30, lag: true });
}, 60_000);
afterAll(() => {
  lab.remove();
  lagging.remove();
});

const HEADER_BYTES = 12;

/** The last page of the change log, zeroed, with everything in the database itself. Returns the seqs that were on it. */
function loseTail(project: LabProject): ReadonlySet<unknown> {
  const database = new DatabaseSync(project.database);
  database.exec("pragma wal_checkpoint(truncate); pragma journal_mode = delete");
  const seqs = new Set(
    database
      .prepare("select seq from changes order by seq")
      .all()
      .map(({ seq }) => seq),
  );
  const { rootpage } = database.prepare("select rootpage from sqlite_schema where name = 'changes'").get() ?? {};
  database.close();
  const bytes = readFileSync(project.database);
  const pageBytes = bytes.readUInt16BE(16);
  let page = Number(rootpage);
  // The right-most child of each page above the leaves.
  while (bytes[(page - 1) * pageBytes] === 5) page = bytes.readUInt32BE((page - 1) * pageBytes + HEADER_BYTES - 4);
  bytes.fill(0, (page - 1) * pageBytes, page * pageBytes);
  writeFileSync(project.database, bytes);
  const left = new DatabaseSync(project.database);
  try {
    for (const { seq } of left.prepare("select seq, after from changes").iterate()) seqs.delete(seq);
  } catch {
    // At the lost page.
  }
  left.close();
  return seqs;
}

describe("the end of the log, lost in both copies", () => {
  it("is made up for by the rows, which are newer than what is left of it", async () => {
    const project = lagging.project();
    const seqs = loseTail(project);
    expect(seqs.size).toBeGreaterThan(3);
    const report = await project.repair();
    expect(report.damaged.join()).toContain("the end of its change log cannot be read");
    const dump = await project.dump();
    for (const table of ["messages", "memory", "tasks", "dependencies"]) {
      const found = new Map((dump[table] ?? []).map((row) => [JSON.stringify(row), row]));
      const missing = (lagging.pristine[table] ?? []).filter((row) => !found.has(JSON.stringify(row)));
      expect(missing, table).toEqual([]);
    }
    expect(hasLost(report)).toBe(true);
    expect(report.recovered.fromRows.length).toBeGreaterThan(0);
    expect((await project.repair()).damaged).toEqual([]);
  });
});

describe("the first pages of the database, lost with the whole journal", () => {
  it.each([
    [2_048, 100],
    [2_048, 6_000],
    [4_096, 100],
    [4_096, 6_000],
  ])("cost nothing that lies behind them (pages of %i bytes, %i bytes lost)", async (pageBytes, lostBytes) => {
    const made = await createDamageLab({ seed: 8, acts: 20, pageBytes });
    const project = made.project();
    const database = new DatabaseSync(project.database);
    database.exec("pragma wal_checkpoint(truncate); pragma journal_mode = delete");
    database.close();
    const bytes = readFileSync(project.database);
    expect(bytes.readUInt16BE(16)).toBe(pageBytes);
    bytes.fill(0, 0, lostBytes);
    writeFileSync(project.database, bytes);
    for (const file of project.journal) rmSync(file);
    const report = await project.repair();
    expect(report.damaged.join()).toContain("its first pages are damaged");
    const { changes } = await project.dump();
    expect(changes?.length).toBe(made.pristine.changes?.length);
    made.remove();
  });
});

/** Damages one file of a store of jsonl: it opens after a repair, with every change that is whole or a word about it. */
async function expectOpens(damage: (project: LabProject) => { readonly file: string; readonly said: string }) {
  const project = lab.project().asJsonl();
  const { file, said } = damage(project);
  const lines = new Set(file.endsWith(".gz") ? [] : readFileSync(file, "utf8").split("\n"));
  const report = await project.repair().catch((error: unknown) => {
    throw new Error(said, { cause: error });
  });
  const dump = await project.dump().catch((error: unknown) => {
    throw new Error(said, { cause: error });
  });
  const present = new Map(dump.changes?.map((row) => [row.seq, row]));
  const told = new Set<unknown>([...report.lost.dropped].map(({ seq }) => seq));
  for (const { from, to } of report.lost.changes) for (let seq = from; seq <= to; seq++) told.add(seq);
  const newest = Math.max(...[...present.keys()].map(Number));
  for (const row of lab.pristine.changes ?? []) {
    const seq = Number(row.seq);
    if (present.get(seq)?.after === row.after) continue;
    const isWhole = lines.has(lab.lines.get(seq) ?? "");
    // A file cut off looks as if the process that wrote it had been killed.
    if (!report.damaged.some((what) => what.startsWith("journal"))) expect(seq, said).toBeGreaterThan(newest);
    else if (isWhole || seq <= newest) expect(told, `${said}: ${seq}`).toContain(seq);
  }
  const again = await project.repair();
  expect([again.damaged, hasLost(again)], said).toEqual([[], false]);
  rmSync(project.dir, { recursive: true });
}

describe("a store of jsonl", () => {
  it("opens again after damage at any place, with every change that is whole or a word about it", async () => {
    const random = seededRandom(SEED);
    for (let place = 0; place < 25; place++) {
      await expectOpens(({ journal }) => {
        const file = journal.at(place % 3 === 0 ? 0 : -1) ?? "";
        return { file, said: `seed ${SEED}: ${harm(file, HARMS[place % HARMS.length] ?? "flip", random)}` };
      });
    }
  }, 60_000);

  // What a repair makes up is of the month before; the rest of its command is in the next file.
  it.each([
    ["the first page of a month is lost", 0, 4_096],
    ["noise is at the beginning of a month", 413, 600],
  ])(
    "opens again where %s, and with it the beginning of a command",
    async (what, from, count) => {
      await expectOpens(({ journal }) => {
        const file = journal.at(-1) ?? "";
        const bytes = readFileSync(file);
        writeFileSync(file, bytes.fill(0, from, from + count));
        return { file, said: what };
      });
    },
    30_000,
  );

  it("that ends within a command, as a killed process leaves it, is not damaged", async () => {
    const project = lab.project().asJsonl();
    const file = project.journal.at(-1) ?? "";
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.slice(0, text.lastIndexOf('{"seq"') + 20));
    const report = await project.repair();
    expect([report.damaged, hasLost(report)]).toEqual([[], false]);
  });
});

describe("files beside the store", () => {
  it("are written again wherever they are damaged", async () => {
    const random = seededRandom(SEED);
    const project = lab.project();
    const files = ["tasks/current.json", "memory.json"].map((name) => join(project.dir, ".perdure", name));
    const sound = new Map(files.map((file) => [file, readFileSync(file, "utf8")]));
    for (let place = 0; place < 24; place++) {
      const file = files[place % 2] ?? "";
      const said = `seed ${SEED}: ${harm(file, HARMS[place % HARMS.length] ?? "flip", random)}`;
      const isDamaged = readFileSync(file, "utf8") !== sound.get(file);
      const report = await project.repair();
      expect(report.damaged.length, said).toBe(isDamaged ? 1 : 0);
      for (const [each, text] of sound) expect(readFileSync(each, "utf8"), said).toBe(text);
    }
  }, 60_000);

  const values = (project: LabProject): readonly string[] =>
    readdirSync(join(project.dir, ".perdure", "artifacts"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));

  it("that hold large values come back from the database, and the database from them", async () => {
    const random = seededRandom(SEED);
    for (const kind of HARMS) {
      const project = lab.project();
      const [file = ""] = values(project);
      const sound = readFileSync(file, "utf8");
      const said = `seed ${SEED}: ${harm(file, kind, random)}`;
      const report = await project.repair();
      expect(report.damaged, said).toEqual([expect.stringContaining(file)]);
      expect(readFileSync(file, "utf8"), said).toBe(sound);
      rmSync(project.database);
      rmSync(`${project.database}-wal`, { force: true });
      expect(hasLost(await project.repair()), said).toBe(false);
      expect(await project.dump(), said).toEqual(lab.pristine);
    }
  });

  it("are named when no copy is left of a value", async () => {
    const project = lab.project();
    const [file = ""] = values(project);
    writeFileSync(file, "damaged");
    rmSync(project.database);
    rmSync(`${project.database}-wal`, { force: true });
    const report = await project.repair();
    expect(report.lost.values.map(({ hash }) => file.endsWith(hash))).toContain(true);
  });

  it("that are artifacts are named when they are damaged", async () => {
    const project = lab.project();
    const hash = sha256().update("output").digest("hex");
    const store = project.deps.openStore(project.database);
    await store.close();
    const database = new DatabaseSync(project.database);
    database.exec(`insert into artifacts (project_id, id, session_id, task_id, execution_id, name, media_type, size_bytes, hash, created_at)
      select project_id, 'a', session_id, id, 'e', 'stdout', 'text/plain', 6, '${hash}', 1 from tasks limit 1`);
    database.close();
    const path = join(project.dir, ".perdure", "artifacts", hash.slice(0, 2), hash);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, "output");
    expect((await project.repair({ isDryRun: true })).lost.files).toEqual([]);
  });
});

describe("a journal", () => {
  it.each([
    ["another project", 8],
    ["a copy of the project that went on by itself", 7],
  ])(
    "of %s is refused, and nothing is changed",
    async (_, projectSeed) => {
      const otherLab = await createDamageLab({ seed: 9, acts: 20, projectSeed });
      const project = lab.project();
      const other = otherLab.project();
      for (const file of project.journal) rmSync(file);
      for (const file of other.journal) {
        writeFileSync(
          join(project.dir, ".perdure", "journal", file.slice(file.lastIndexOf("/") + 1)),
          readFileSync(file),
        );
      }
      const before = project.files();
      await expect(project.repair()).rejects.toMatchObject({ code: "conflict" });
      expect(project.files()).toEqual(before);
      otherLab.remove();
    },
    30_000,
  );

  it("that was never kept is not needed, and none is made", async () => {
    const project = lab.project();
    rmSync(join(project.dir, ".perdure", "journal"), { recursive: true });
    expect((await project.repair()).damaged).toEqual([]);
    harm(project.database, "zero", seededRandom(5));
    await project.repair({ mayDiscard: true });
    expect((await project.repair()).damaged).toEqual([]);
    expect(existsSync(join(project.dir, ".perdure", "journal"))).toBe(false);
  });

  it("is enough even when no header of it is left", async () => {
    const project = lab.project();
    rmSync(project.journal[0] ?? "");
    const whole = lab.project();
    const [file = ""] = project.journal.slice(-1);
    rmSync(project.database);
    rmSync(`${project.database}-wal`, { force: true });
    writeFileSync(file, readFileSync(file, "utf8").split("\n").slice(1).join("\n"));
    const report = await project.repair();
    expect(report.damaged.join()).toContain("which project it is of is lost");
    expect((await project.dump()).changes?.length).toBeGreaterThan(0);
    expect(whole.dir).not.toBe(project.dir);
  });
});
