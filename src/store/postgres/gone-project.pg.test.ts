/** A store whose project was made another one by a restore, in another process, since it was opened. */

import pg from "pg";
import { expect, test, vi } from "vitest";

import { aSession, aWorker } from "../../testing/builders.ts";
import { listSessions } from "../commands/session-queries.ts";
import { createSession } from "../commands/sessions.ts";
import { registerWorker } from "../commands/workers.ts";
import { useStoresOfTest } from "../testing/postgres/stores-of-test.ts";
import type { PostgresStore } from "./postgres-store.ts";

const IDENTITY = { projectId: "restored", projectName: "work", projectCreatedAt: 1 };
const GONE = { code: "conflict", hint: expect.stringContaining("Open it again") };

const { databases, url, open } = useStoresOfTest();

async function count(table: string): Promise<number> {
  const [row] = await databases().query<{ n: string }>(`select count(*) as n from perdure.${table}`, [], url());
  return Number(row?.n);
}

const list = (store: PostgresStore) => store.execute(listSessions, { statuses: null, before: null, limit: 9 });

test("says so to whoever reads or writes, and nothing is written", async () => {
  const [before, restoring] = [await open(), await open()];
  expect((await list(before)).sessions).toEqual([]);
  await restoring.becomeProject?.(IDENTITY);
  await expect(list(before)).rejects.toMatchObject(GONE);
  const calls = [before.execute(createSession, aSession()), before.execute(registerWorker, aWorker("w1"))];
  for (const call of calls) await expect(call).rejects.toMatchObject(GONE);
  expect([await count("changes"), await count("sessions"), await count("workers")]).toEqual([0, 0, 0]);
  await restoring.execute(createSession, aSession());
  expect((await list(await open())).sessions).toHaveLength(1);
});

test("refuses a write that had waited for its turn while it became another", async () => {
  const store = await open();
  const other = new pg.Client({ connectionString: url() });
  await other.connect();
  try {
    await other.query("begin");
    await other.query("select pg_advisory_xact_lock(hashtextextended($1, 0))", [`perdure:perdure:${store.projectId}`]);
    const writing = expect(store.execute(createSession, aSession())).rejects.toMatchObject(GONE);
    const waiting = "select count(*) as n from pg_locks where locktype = 'advisory' and not granted";
    await vi.waitFor(async () => expect((await databases().query(waiting, [], url()))[0]).toEqual({ n: "1" }), 5_000);
    await other.query("update perdure.projects set id = 'restored'");
    await other.query("commit");
    await writing;
  } finally {
    await other.end();
  }
  expect([await count("changes"), await count("sessions")]).toEqual([0, 0]);
});

test("tells those who wait for news, so that they find out", async () => {
  const [before, restoring] = [await open({ query: "?listen=false" }), await open()];
  const tell = vi.fn();
  before.onCommit(tell);
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(tell).not.toHaveBeenCalled();
  await restoring.becomeProject?.(IDENTITY);
  await vi.waitFor(() => expect(tell).toHaveBeenCalled(), 5_000);
});
