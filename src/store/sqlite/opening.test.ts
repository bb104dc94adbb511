import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { isPerdureError } from "../../base/errors.ts";
import { seededRandom } from "../../base/random.ts";
import { aSession } from "../../testing/builders.ts";
import { listSessions } from "../commands/session-queries.ts";
import { createSession } from "../commands/sessions.ts";
import { openForTest } from "../testing/open-for-test.ts";
import { migrationFiles, SCHEMA_VERSION } from "./migrations.ts";

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "perdure-opening-"));
  path = join(directory, "perdure.db");
});
afterEach(() => {
  chmodSync(directory, 0o755);
  rmSync(directory, { recursive: true });
});

/** The code with which opening is refused; the files of the directory must be as they were. */
function refusal(): string {
  const before = contents();
  try {
    void openForTest(path, { busyTimeoutMs: 200 }).close();
  } catch (error) {
    expect(contents()).toEqual(before);
    if (!isPerdureError(error)) throw error;
    expect(error.message).toContain(path);
    expect(error.hint).not.toBeNull();
    return error.code;
  }
  return "opened";
}

function contents(): readonly (readonly [string, string])[] {
  const files = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isFile());
  return files.map((entry) => [entry.name, readFileSync(join(directory, entry.name)).toString("base64")]);
}

async function fill(): Promise<void> {
  const store = openForTest(path);
  for (let index = 0; index < 20; index++) {
    await store.execute(createSession, aSession({ name: `session ${index}`, goal: "x".repeat(5_000) }));
  }
  await store.close();
}

/** Bytes that mean nothing, the same every time. */
function noise(length: number): Buffer {
  const random = seededRandom(7);
  return Buffer.from(Array.from({ length }, () => Math.floor(random.next() * 256)));
}

describe("opening a database", () => {
  it("makes a new one and finds the same project in it afterwards", async () => {
    const first = openForTest(path);
    await first.close();
    const second = openForTest(path);
    expect(second.projectId).toBe(first.projectId);
    await second.close();
    expect(existsSync(`${path}-wal`)).toBe(false);
  });

  it("refuses a schema newer than this program's, and leaves the file byte for byte as it was", () => {
    for (const mode of ["delete", "wal"]) {
      const database = new DatabaseSync(path);
      database.exec(
        `pragma journal_mode = ${mode}; create table if not exists future (a); pragma user_version = ${SCHEMA_VERSION + 1}`,
      );
      database.close();
      expect(refusal()).toBe("store-too-new");
    }
  });

  it("refuses another program's database, and leaves the file byte for byte as it was", () => {
    const database = new DatabaseSync(path);
    database.exec("create table theirs (a)");
    database.close();
    expect(refusal()).toBe("store-damaged");
  });

  it("refuses a file that is no database", () => {
    writeFileSync(path, noise(50_000));
    expect(refusal()).toBe("store-damaged");
    writeFileSync(path, "This is not a database, but a text of some length that says so.\n".repeat(100));
    expect(refusal()).toBe("store-damaged");
  });

  it("refuses a database whose header is garbage", async () => {
    await fill();
    writeFileSync(path, Buffer.concat([noise(100), readFileSync(path).subarray(100)]));
    expect(refusal()).toBe("store-damaged");
  });

  it("refuses a database that lost its end", async () => {
    await fill();
    const whole = readFileSync(path);
    for (const length of [whole.length - 4_096, Math.floor(whole.length / 2), 4_096, 600, 100]) {
      writeFileSync(path, whole.subarray(0, length));
      expect([length, refusal()]).toEqual([length, "store-damaged"]);
    }
  });

  it("finds damage inside when it gets there, and changes nothing", async () => {
    await fill();
    const whole = readFileSync(path);
    const damaged = Buffer.concat([whole.subarray(0, 4_096), noise(whole.length - 4_096)]);
    writeFileSync(path, damaged);
    if (refusal() === "opened") {
      const store = openForTest(path);
      const calls = await Promise.allSettled([
        store.execute(listSessions, { statuses: null, before: null, limit: 100 }),
        store.execute(createSession, aSession()),
      ]);
      for (const call of calls) expect(call).toMatchObject({ status: "rejected", reason: { code: "store-damaged" } });
      await store.close();
    }
    expect(readFileSync(path).equals(damaged)).toBe(true);
  });

  it("refuses a path that cannot be one of a file", () => {
    path = join(directory, "nowhere", "perdure.db");
    expect(refusal()).toBe("store-unreachable");
    path = join(directory, "folder");
    mkdirSync(path);
    expect(refusal()).toBe("store-unreachable");
  });

  it("waits for a process that is about to finish with it, and no longer than it may", async () => {
    const other = new DatabaseSync(path);
    other.exec("pragma locking_mode = exclusive; begin exclusive; create table t (a)");
    expect(refusal()).toBe("store-unreachable");
    other.close();
    expect(refusal()).toBe("opened");
  });

  const isRoot = process.getuid?.() === 0;
  it.skipIf(isRoot)(
    `refuses a directory that may not be written to${isRoot ? " (root may write anywhere)" : ""}`,
    () => {
      chmodSync(directory, 0o555);
      expect(refusal()).toBe("store-unreachable");
    },
  );
});

describe("migrations", () => {
  it("are numbered from 1 without a gap, up to SCHEMA_VERSION", () => {
    const versions = migrationFiles().map((migration) => migration.version);
    expect(versions).toEqual(Array.from({ length: SCHEMA_VERSION }, (_, index) => index + 1));
  });
});
