import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { Session } from "../../domain/session.ts";
import { aSession } from "../../testing/builders.ts";
import type { SuiteStore } from "../../testing/store-suite/suite-options.ts";
import { getSession } from "../commands/session-queries.ts";
import { createSession, renameSession } from "../commands/sessions.ts";
import { openForTest } from "../testing/open-for-test.ts";

let directory: string;
let path: string;
let store: SuiteStore;
let session: Session;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "perdure-group-"));
  path = join(directory, "perdure.db");
  store = openForTest(path, { busyTimeoutMs: 400 });
  session = await store.execute(createSession, aSession());
});
afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true });
});

const rename = (name: string, on = store): Promise<unknown> =>
  on.execute(renameSession, { sessionId: session.id, name });

/** Transactions in the write-ahead log: frames that end one. Layout: sqlite.org/fileformat2.html#walformat. */
function commitCount(): number {
  const log = readFileSync(`${path}-wal`);
  const frameBytes = 24 + log.readUInt32BE(8);
  let commits = 0;
  for (let at = 32; at + frameBytes <= log.length; at += frameBytes) if (log.readUInt32BE(at + 4) > 0) commits += 1;
  return commits;
}

describe("group commit", () => {
  it("puts the calls of one turn into few transactions, and calls one after another into one each", async () => {
    const before = commitCount();
    await Promise.all(Array.from({ length: 50 }, (_, index) => rename(`together ${index}`)));
    const together = commitCount() - before;
    expect(together).toBeLessThanOrEqual(10);
    for (let index = 0; index < 10; index++) await rename(`alone ${index}`);
    expect(commitCount() - before - together).toBe(10);
  });

  it("acknowledges nothing before it can be read by others", async () => {
    const other = new DatabaseSync(path, { readOnly: true });
    for (let index = 0; index < 20; index++) {
      await rename(`name ${index}`);
      expect(other.prepare("select name from sessions").get()).toEqual({ name: `name ${index}` });
    }
    other.close();
  });
});

describe("close", () => {
  it("finishes the calls already made, refuses later ones, and is safe to repeat", async () => {
    const calls = Array.from({ length: 20 }, (_, index) => rename(`name ${index}`));
    const closing = store.close();
    await expect(rename("too late")).rejects.toMatchObject({ code: "store-unreachable" });
    await Promise.all([closing, store.close(), ...calls]);
    store = openForTest(path);
    expect((await store.execute(getSession, { sessionId: session.id })).name).toBe("name 19");
  });
});

describe("onCommit", () => {
  it("is told of this process's writes, but not of its reads or refused calls, until it is unsubscribed", async () => {
    let told = 0;
    const unsubscribe = store.onCommit(() => (told += 1));
    // Longer than it takes until notifications of what was written before have come in.
    await sleep(150);
    const before = told;
    await store.execute(getSession, { sessionId: session.id });
    await sleep(20);
    expect(told).toBe(before);
    await Promise.all([rename("a"), rename("b")]);
    await expect.poll(() => told).toBeGreaterThan(before);
    unsubscribe();
    const last = told;
    await rename("c");
    await sleep(50);
    expect(told).toBe(last);
  });

  it("is told of another connection's write even when a read of its own sees it first", async () => {
    const other = openForTest(path);
    let told = 0;
    other.onCommit(() => (told += 1));
    for (let round = 0; round < 10; round++) {
      await sleep(15);
      const before = told;
      await rename(`round ${round}`);
      await other.execute(getSession, { sessionId: session.id });
      await expect.poll(() => told, { timeout: 500 }).toBeGreaterThan(before);
    }
    await other.close();
  });
});

describe("a database that another process keeps locked", () => {
  it("is tried again until it is free, while the event loop goes on", async () => {
    const other = new DatabaseSync(path);
    other.exec("begin immediate");
    let turns = 0;
    const counting = setInterval(() => (turns += 1), 5);
    const write = rename("patient");
    await sleep(150);
    clearInterval(counting);
    expect(turns).toBeGreaterThan(10);
    other.exec("rollback");
    other.close();
    await write;
    expect((await store.execute(getSession, { sessionId: session.id })).name).toBe("patient");
  });

  it("fails the calls that waited too long with store-unreachable, and works again afterwards", async () => {
    const other = new DatabaseSync(path);
    other.exec("begin immediate");
    const startedAt = performance.now();
    const calls = await Promise.allSettled([rename("a"), rename("b")]);
    expect(performance.now() - startedAt).toBeGreaterThan(390);
    for (const call of calls) expect(call).toMatchObject({ status: "rejected", reason: { code: "store-unreachable" } });
    other.exec("rollback");
    other.close();
    await rename("c");
    expect((await store.execute(getSession, { sessionId: session.id })).name).toBe("c");
  });

  it("can still be read", async () => {
    const other = new DatabaseSync(path);
    other.exec("begin immediate");
    expect((await store.execute(getSession, { sessionId: session.id })).name).toBe("test");
    other.close();
  });
});
