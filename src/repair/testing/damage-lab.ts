/** A worked project with every copy of its store, kept aside, and ways to damage a fresh copy of it. For tests. */

import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gunzipSync } from "node:zlib";

import { seededRandom } from "../../base/random.ts";
import type { Random } from "../../base/random.ts";
import { createTasks } from "../../store/commands/create-tasks.ts";
import { createSession } from "../../store/commands/sessions.ts";
import { artifactFiles } from "../../store/artifact-files.ts";
import type { Store } from "../../store/port.ts";
import { defineWrite } from "../../store/command.ts";
import { insertRow } from "../../store/rows.ts";
import { openJsonlStore } from "../../store/jsonl/jsonl-store.ts";
import { openSqliteStore } from "../../store/sqlite/sqlite-store.ts";
import { MEMORY, MESSAGES } from "../../store/tables.ts";
import { storeValue } from "../../store/values.ts";
import { aSession, aTask } from "../../testing/builders.ts";
import type { FakeClock } from "../../testing/fake-clock.ts";
import { fakeClock } from "../../testing/fake-clock.ts";
import type { Bench } from "../../testing/store-suite/bench.ts";
import { playActs, randomActs } from "../../testing/store-suite/workload.ts";
import type { TableDump } from "../../testing/table-dump.ts";
import { dumpTables, withoutCoordination } from "../../testing/table-dump.ts";
import { compressClosedMonths } from "../../trail/journal-closing.ts";
import { journalMirror } from "../../trail/journal-mirror.ts";
import { stateFiles } from "../../trail/state-files.ts";
import type { RepairDeps } from "../repair.ts";
import { makeFreshDatabase } from "../fresh-database.ts";
import { repairStore } from "../repair.ts";
import type { RepairOptions, RepairReport } from "../report.ts";

export interface DamageLab {
  /** What the store held. */
  readonly pristine: TableDump;
  /** Of the journal, by `seq`. */
  readonly lines: ReadonlyMap<number, string>;
  /** A fresh copy of the project. */
  project(): LabProject;
  remove(): void;
}

export interface LabProject {
  readonly dir: string;
  readonly database: string;
  /** Absolute, of the files of the journal, the oldest first. */
  readonly journal: readonly string[];
  readonly deps: RepairDeps;
  repair(options?: Partial<RepairOptions>): Promise<RepairReport>;
  /** All the store holds now. */
  dump(): Promise<TableDump>;
  /** The same project with the journal as its store; its database is removed. */
  asJsonl(): LabProject;
  /** Every file below `.perdure` but the copies of what was damaged and the locks. */
  files(): Readonly<Record<string, string>>;
}

const sayThings = defineWrite(
  "say-things",
  function* (context, input: { sessionId: string; position: number; text: string }) {
    const parts = yield* storeValue([{ type: "text", text: input.text }], "A message", MESSAGES.inlineBytes?.parts);
    const { sessionId, position } = input;
    const message = { session_id: sessionId, position, role: "user", parts, token_count: 1, created_at: context.now };
    yield* insertRow(context, MESSAGES, message, { verb: "create" });
    const entry = {
      session_id: sessionId,
      key: `k${position}`,
      value: `"v${position}"`,
      importance: 0.5,
      size_bytes: 4,
    };
    const times = { created_at: context.now, updated_at: context.now };
    yield* insertRow(context, MEMORY, { ...entry, ...times }, { verb: "store" });
  },
);

const MONTH_MS = 31 * 86_400_000;

interface LabOptions {
  readonly seed: number;
  readonly acts: number;
  /** Changes at the end that the journal has not got to yet. */
  readonly lag?: boolean;
  /** Labs of different ones are of different projects. Default 7. */
  readonly projectSeed?: number;
  /** Of the database. Default: as new ones are made. */
  readonly pageBytes?: number;
}

/** Two months of work; the database keeps a write-ahead log, the first month's journal is compressed. */
export async function createDamageLab({
  seed,
  acts,
  lag = false,
  projectSeed = 7,
  pageBytes,
}: LabOptions): Promise<DamageLab> {
  const top = mkdtempSync(join(tmpdir(), "perdure-damage-"));
  const origin = join(top, "origin", ".perdure");
  mkdirSync(origin, { recursive: true });
  const clock = fakeClock();
  if (pageBytes !== undefined) makeFreshDatabase(join(origin, "perdure.db"), null, pageBytes);
  const store = openLabStore(join(origin, "perdure.db"), clock, projectSeed);
  const files = artifactFiles({ dir: join(origin, "artifacts"), random: seededRandom(seed) });
  const directory = join(origin, "journal");
  const mirror = journalMirror({ store, directory, artifactFiles: files });
  const catchUp = async (): Promise<void> => {
    while (!(await mirror.append(500)).isCaughtUp);
  };
  const session = await store.execute(createSession, aSession());
  const bench = { store, clock, session } as Bench;
  const work = async (part: number): Promise<void> => {
    await playActs(bench, randomActs(seededRandom(seed + part), acts), () => {});
    for (let index = 0; index < 20; index++) {
      const position = part * 100 + index;
      await store.execute(sayThings, { sessionId: session.id, position, text: "words ".repeat(index * 12) });
    }
    const input = `${part}`.repeat(70_000);
    await store
      .execute(createTasks, { sessionId: session.id, tasks: [aTask({ ref: `large${part}`, input })] })
      .catch(() => null);
  };
  await work(0);
  await catchUp();
  copyBackLog(join(origin, "perdure.db"));
  clock.advance(MONTH_MS);
  await work(1);
  await catchUp();
  await compressClosedMonths(directory);
  if (lag) await work(2);
  await stateFiles({ store, directory: origin }).update(Number.POSITIVE_INFINITY);
  const pristine = withoutCoordination(await dumpTables(store));
  // As a killed process leaves it: with its write-ahead log.
  cpSync(join(top, "origin"), join(top, "kept"), { recursive: true });
  await store.close();
  let count = 0;
  return {
    pristine,
    lines: linesOf(join(top, "kept", ".perdure", "journal")),
    project() {
      count += 1;
      const dir = join(top, `project${count}`);
      cpSync(join(top, "kept"), dir, { recursive: true });
      rmSync(join(dir, ".perdure", "perdure.db-shm"), { force: true });
      return labProject(dir);
    },
    remove: () => rmSync(top, { recursive: true, force: true }),
  };
}

function linesOf(directory: string): ReadonlyMap<number, string> {
  const lines = new Map<number, string>();
  for (const name of readdirSync(directory)) {
    const bytes = readFileSync(join(directory, name));
    for (const line of (name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString().split("\n")) {
      const { seq }: { readonly seq?: unknown } = line === "" ? {} : JSON.parse(line);
      if (typeof seq === "number") lines.set(seq, line);
    }
  }
  return lines;
}

/** So that the database itself holds the first month, and its write-ahead log the second. */
function copyBackLog(path: string): void {
  const database = new DatabaseSync(path);
  database.exec("pragma wal_checkpoint(truncate)");
  database.close();
}

function openLabStore(path: string, clock: FakeClock, seed = 7): ReturnType<typeof openSqliteStore> {
  const options = { projectName: "lab", actor: "test", random: seededRandom(seed), durability: "normal" } as const;
  return openSqliteStore({ path, clock, ...options });
}

function openLabJsonl(directory: string, clock: FakeClock): ReturnType<typeof openJsonlStore> {
  return openJsonlStore({ directory, clock, projectName: "lab", actor: "test", random: seededRandom(7) });
}

export function labProject(dir: string, isJsonl = false): LabProject {
  const perdureDir = join(dir, ".perdure");
  const clock = fakeClock();
  const database = join(perdureDir, "perdure.db");
  const deps: RepairDeps = {
    directory: perdureDir,
    stateDirectory: perdureDir,
    projectName: "lab",
    storePath: isJsonl ? null : database,
    useLockPath: `${database}-use`,
    hasJournal: true,
    clock,
    random: seededRandom(11),
    artifactDirectory: join(perdureDir, "artifacts"),
    disposable: [],
    artifactFiles: artifactFiles({ dir: join(perdureDir, "artifacts"), random: seededRandom(9) }),
    openStore: (path) => openLabStore(path, clock),
  };
  const journalDirectory = join(perdureDir, "journal");
  const names = existsSync(journalDirectory) ? readdirSync(journalDirectory).toSorted() : [];
  return {
    dir,
    database,
    journal: names.map((name) => join(journalDirectory, name)),
    deps,
    repair: (options = {}) => repairStore(deps, { isDryRun: false, mayDiscard: false, ...options }),
    async dump() {
      const store: Store = isJsonl ? await openLabJsonl(perdureDir, clock) : openLabStore(database, clock);
      try {
        return withoutCoordination(await dumpTables(store));
      } finally {
        await store.close();
      }
    },
    asJsonl() {
      for (const end of ["", "-wal", "-shm"]) rmSync(database + end, { force: true });
      return labProject(dir, true);
    },
    files() {
      const paths = readdirSync(perdureDir, { recursive: true, withFileTypes: true })
        .filter(
          (entry) => entry.isFile() && !/-use|-shm|\.lock$/.test(entry.name) && !entry.parentPath.includes("damaged"),
        )
        .map((entry) => join(entry.parentPath, entry.name));
      return Object.fromEntries(paths.toSorted().map((path) => [path, readFileSync(path).toString("base64")]));
    },
  };
}

export type Harm = "flip" | "zero" | "truncate" | "noise" | "insert";
export const HARMS: readonly Harm[] = ["flip", "zero", "truncate", "noise", "insert"];

/** Says what it did. */
export function harm(file: string, kind: Harm, random: Random): string {
  const bytes = readFileSync(file);
  const at = Math.floor(random.next() * bytes.length);
  if (kind === "truncate") truncateSync(file, at);
  else if (kind === "flip") {
    bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random.next() * 8));
    writeFileSync(file, bytes);
  } else if (kind === "zero") {
    const page = Math.floor(at / 4_096) * 4_096;
    writeFileSync(file, bytes.fill(0, page, Math.min(bytes.length, page + 4_096)));
  } else if (kind === "noise") {
    const length = Math.min(bytes.length - at, 1 + Math.floor(random.next() * 600));
    for (let index = 0; index < length; index++) bytes[at + index] = Math.floor(random.next() * 256);
    writeFileSync(file, bytes);
  } else {
    writeFileSync(file, Buffer.concat([bytes.subarray(0, at), Buffer.from("\u0000junk"), bytes.subarray(at)]));
  }
  return `${kind} ${file} at ${at} of ${bytes.length}`;
}
