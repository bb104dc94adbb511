import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gunzipSync } from "node:zlib";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { isPerdureError } from "../base/errors.ts";
import { seededRandom } from "../base/random.ts";
import type { Random } from "../base/random.ts";
import type { Row } from "../store/command.ts";
import type { RawChange } from "../store/rebuild.ts";
import { openSqliteStore } from "../store/sqlite/sqlite-store.ts";
import { readRawChanges, rebuildFromChanges } from "../store/rebuild.ts";
import { dumpTables, withoutCoordination } from "../testing/table-dump.ts";
import type { TableDump } from "../testing/table-dump.ts";
import { readMirror } from "./mirror-copy.ts";
import type { RepairReport } from "./report.ts";
import { hasLost } from "./report.ts";
import type { DamageLab, Harm, LabProject } from "./testing/damage-lab.ts";
import { createDamageLab, harm, HARMS } from "./testing/damage-lab.ts";
import { SEED } from "./testing/seed.ts";

let whole: DamageLab;
let lagging: DamageLab;
beforeAll(async () => {
  [whole, lagging] = await Promise.all([
    createDamageLab({ seed: 1, acts: 60 }),
    createDamageLab({ seed: 2, acts: 40, lag: true }),
  ]);
}, 60_000);
afterAll(() => {
  whole.remove();
  lagging.remove();
});

/** Repairing again takes as long as repairing, so it is tried after some of the repairs only. */
const LASTING_EVERY = 3;
let soundness = 0;

/** What holds after any repair, whatever was damaged. */
async function expectSound(project: LabProject, said: string): Promise<TableDump> {
  const dump = await project.dump();
  soundness += 1;
  await expectRebuilt(project, dump, said);
  if (soundness % LASTING_EVERY === 0) await expectLasting(project, dump, said);
  return dump;
}

/** SQLite finds nothing wrong, and the log alone makes the tables. */
async function expectRebuilt(project: LabProject, dump: TableDump, said: string): Promise<void> {
  const rebuilt = openSqliteStore({
    path: ":memory:",
    projectName: "rebuilt",
    actor: "test",
    clock: project.deps.clock,
    random: seededRandom(3),
  });
  const store = project.deps.openStore(project.database);
  try {
    expect((await store.inspect?.())?.problems, said).toEqual([]);
    const changes: RawChange[] = [];
    for (;;) {
      const page = await store.execute(readRawChanges, { after: changes.at(-1)?.seq ?? 0, limit: 1_000 });
      if (page.length === 0) break;
      changes.push(...page);
    }
    await rebuilt.execute(rebuildFromChanges, { changes });
    expect(withoutCoordination(await dumpTables(rebuilt)), said).toEqual(dump);
  } finally {
    await store.close();
    await rebuilt.close();
  }
}

/** The journal tells the same, and repairing again changes nothing. */
async function expectLasting(project: LabProject, dump: TableDump, said: string): Promise<void> {
  const mirror = await readMirror(join(project.dir, ".perdure", "journal"));
  expect(mirror.damaged, said).toEqual([]);
  const stored = new Map((dump.changes ?? []).map((row) => [row.seq, row]));
  for (const [seq, change] of mirror.changes) {
    expect(stored.get(seq), `${said}: ${seq}`).toMatchObject({ after: change.after, before: change.before });
  }
  const before = project.files();
  const again = await project.repair();
  expect(again.damaged, said).toEqual([]);
  expect(again.replaced, said).toEqual([]);
  expect(project.files(), said).toEqual(before);
  expect(existsSync(join(project.dir, ".perdure", "repair")), said).toBe(false);
}

function isStored(database: DatabaseSync, row: Row): boolean {
  try {
    const found = database
      .prepare(`select ${Object.keys(row).join(", ")} from changes where seq = ?`)
      .get(row.seq ?? null);
    return found !== undefined && Object.entries(row).every(([column, value]) => found[column] === value);
  } catch {
    // On a damaged page.
    return false;
  }
}

interface Intact {
  readonly inJournal: ReadonlySet<unknown>;
  readonly inDatabase: ReadonlySet<unknown>;
}

/** The changes that a copy still has exactly as they were, told without any of the repair's own reading. */
async function intactSeqs(lab: DamageLab, project: LabProject): Promise<Intact> {
  const [inJournal, inDatabase] = [new Set<unknown>(), new Set<unknown>()];
  const lines = new Set<string>();
  for (const file of project.journal) {
    try {
      const bytes = readFileSync(file);
      for (const line of (file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString().split("\n")) lines.add(line);
    } catch {
      // A compressed month that is damaged holds nothing for certain.
    }
  }
  for (const [seq, line] of lab.lines) if (lines.has(line)) inJournal.add(seq);
  const copy = join(project.dir, "copy.db");
  for (const end of ["", "-wal"])
    if (existsSync(project.database + end)) copyFileSync(project.database + end, copy + end);
  try {
    const database = new DatabaseSync(copy);
    for (const row of lab.pristine.changes ?? []) if (isStored(database, row)) inDatabase.add(row.seq);
    database.close();
  } catch {
    // It cannot be opened: nothing is in it for certain.
  }
  return { inJournal, inDatabase };
}

async function attempt(lab: DamageLab, damage: (project: LabProject) => readonly string[]) {
  const project = lab.project();
  const said = `seed ${SEED}: ${damage(project).join("; ")}`;
  const intact = await intactSeqs(lab, project);
  let report: RepairReport;
  try {
    report = await project.repair().catch(async (error: unknown) => {
      if (!isPerdureError(error) || error.hint?.includes("--discard") !== true) throw error;
      return await project.repair({ mayDiscard: true });
    });
  } catch (error) {
    throw new Error(`${said}: ${String(error)}`, { cause: error });
  }
  const dump = await expectSound(project, said);
  rmSync(project.dir, { recursive: true });
  return { report, dump, said, intact };
}

function pick<T>(items: readonly T[], random: Random): T {
  const item = items[Math.floor(random.next() * items.length)];
  if (item === undefined) throw new RangeError("nothing to pick from");
  return item;
}

describe("one damaged copy", () => {
  const targets: readonly [string, number, (project: LabProject) => string][] = [
    ["the database", 40, ({ database }) => database],
    ["its write-ahead log", 20, ({ database }) => `${database}-wal`],
    ["the journal of this month", 20, ({ journal }) => journal.at(-1) ?? ""],
    ["a compressed month of the journal", 20, ({ journal }) => journal[0] ?? ""],
  ];
  it.each(targets)(
    "in %s costs nothing (%i places)",
    async (_, places, target) => {
      const random = seededRandom(SEED);
      for (let place = 0; place < places; place++) {
        const kind = HARMS[place % HARMS.length] ?? "flip";
        const { report, dump, said } = await attempt(whole, (project) => [harm(target(project), kind, random)]);
        expect(dump, said).toEqual(whole.pristine);
        expect(hasLost(report), said).toBe(false);
      }
    },
    120_000,
  );
});

/** What any copy still had is there, and what is not is told. */
function expectAccounted(lab: DamageLab, { report, dump, said, intact }: Awaited<ReturnType<typeof attempt>>): void {
  const present = new Map((dump.changes ?? []).map((row) => [row.seq, row]));
  const dropped = new Set<unknown>(report.lost.dropped.map(({ seq }) => seq));
  const told = new Set(dropped);
  for (const { from, to } of [...report.lost.changes, ...report.lost.doubtful, ...report.recovered.fromRows]) {
    for (let seq = from; seq <= to; seq++) told.add(seq);
  }
  const known = new Set<unknown>([...intact.inJournal, ...intact.inDatabase]);
  // Of what came after the last change that any copy has, nothing is known, not even that it was.
  const newest = Math.max(0, ...[...known].map(Number));
  const pristine = lab.pristine.changes ?? [];
  const rowOf = (row: Row): string => `${String(row.entity)} ${String(row.row_key)}`;
  const hurtRows = new Set(pristine.filter((row) => !known.has(row.seq)).map(rowOf));
  // Half a command is no state, so what is left of the last one goes; it is told all the same.
  const end = Math.max(
    0,
    ...pristine
      .filter((row, index) => known.has(row.seq) && pristine[index + 1]?.part === 0)
      .map((row) => Number(row.seq)),
  );
  for (const row of pristine) {
    const found = present.get(row.seq ?? null);
    const isSame = found !== undefined && found.after === row.after && found.before === row.before;
    if (isSame) continue;
    const what = `${said}: change ${row.seq}`;
    if (known.has(row.seq)) {
      expect(told, `${what} was intact and is not told of`).toContain(row.seq);
      const isTorn = Number(row.seq) > end;
      expect(isTorn || hurtRows.has(rowOf(row)), `${what} was intact, and so was all of its row`).toBe(true);
      // What has a checksum is never changed: it is there, or it fits nowhere.
      if (intact.inJournal.has(row.seq)) expect(dropped, `${what} was proven`).toContain(row.seq);
    } else if (Number(row.seq) < newest) expect(told, `${what} is not told of`).toContain(row.seq);
  }
}

describe("two damaged copies", () => {
  it("cost only what neither holds, and that is told", async () => {
    const random = seededRandom(SEED + 1);
    let exact = 0;
    for (let place = 0; place < 48; place++) {
      const lab = place % 3 === 0 ? lagging : whole;
      const outcome = await attempt(lab, (project) => {
        const [one, other]: readonly Harm[] = [pick(HARMS, random), pick(HARMS, random)];
        const journal = pick(project.journal, random);
        const store = random.next() < 0.7 ? project.database : `${project.database}-wal`;
        return [harm(store, one ?? "flip", random), harm(journal, other ?? "flip", random)];
      });
      expectAccounted(lab, outcome);
      if (JSON.stringify(outcome.dump) === JSON.stringify(lab.pristine)) exact += 1;
    }
    expect(exact).toBeGreaterThan(10);
  }, 120_000);
});

function damageAt(file: string, at: number, how: "flip" | "insert" | "cut"): string {
  const bytes = readFileSync(file);
  if (how === "flip") bytes[at] = (bytes[at] ?? 0) ^ 1;
  const parts = [bytes.subarray(0, at), ...(how === "insert" ? [Buffer.from("\u0000junk")] : []), bytes.subarray(at)];
  writeFileSync(file, how === "cut" ? bytes.subarray(0, at) : Buffer.concat(parts));
  return `${how} ${file} at ${at}`;
}

describe("places found before", () => {
  it.each<[string, number, "flip" | "cut", number]>([
    ["an entry says a state before it that there is not", 298_317, "flip", 481],
    ["a session is lost, and its tasks are not", 31_263, "cut", 2_439],
  ])(
    "where %s cost only what neither copy holds, and that is told",
    async (_, at, how, journalAt) => {
      const outcome = await attempt(whole, ({ database, journal }) => [
        damageAt(database, at, how),
        damageAt(journal[0] ?? "", journalAt, "insert"),
      ]);
      expectAccounted(whole, outcome);
    },
    30_000,
  );
});

describe("a lost copy", () => {
  it("of the whole database, empty or missing, is made up for by the journal", async () => {
    for (const lose of [
      (project: LabProject) => rmSync(project.database),
      (project: LabProject) => writeFileSync(project.database, ""),
      (project: LabProject) => writeFileSync(project.database, "not a database at all ".repeat(1_000)),
    ]) {
      const { report, dump, said } = await attempt(whole, (project) => {
        rmSync(`${project.database}-wal`, { force: true });
        lose(project);
        return [lose.toString()];
      });
      expect(dump, said).toEqual(whole.pristine);
      expect(hasLost(report), said).toBe(false);
    }
  });

  it("of the state files is written again", async () => {
    const project = whole.project();
    const current = join(project.dir, ".perdure", "tasks", "current.json");
    writeFileSync(current, "{ damaged");
    const report = await project.repair();
    expect(report.damaged).toEqual([expect.stringContaining("current.json")]);
    expect(readdirSync(join(project.dir, ".perdure", "damaged"))).toHaveLength(1);
    await expectSound(project, "state files");
    expect(existsSync(current)).toBe(true);
  });
});
