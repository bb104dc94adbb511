/** What becomes of turns whose writers cannot use them: lost while they waited, or slow. */

import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";

import type { TcpProxy } from "../../../test/faults/tcp-proxy.ts";
import { startTcpProxy } from "../../../test/faults/tcp-proxy.ts";
import { aSession } from "../../testing/builders.ts";
import { createSession } from "../commands/sessions.ts";
import { useStoresOfTest } from "../testing/postgres/stores-of-test.ts";
import type { PostgresStore } from "./postgres-store.ts";

const { databases, url, open } = useStoresOfTest();
let proxy: TcpProxy;
let other: pg.Client;

beforeEach(async () => {
  const { hostname, port } = new URL(url());
  proxy = await startTcpProxy({ host: hostname, port: Number(port) });
  other = new pg.Client({ connectionString: url() });
  await other.connect();
});
afterEach(async () => {
  await other.end();
  await proxy.close();
});

const aStore = (through: string): Promise<PostgresStore> => open({ through, query: "?listen=false" });

async function write(store: PostgresStore): Promise<void> {
  await store.execute(createSession, aSession());
}

/** Has the project's turn. */
async function holdTurn({ projectId }: PostgresStore, during: () => Promise<void>): Promise<void> {
  await other.query("begin");
  await other.query("select pg_advisory_xact_lock(hashtextextended($1, 0))", [`perdure:perdure:${projectId}`]);
  await during();
  await other.query("commit");
}

/** How many wait for the turn. */
async function waitingCount(): Promise<number> {
  // Asked within a transaction of `other` it would know of no connection made since.
  const sql = "select pid from pg_stat_activity where datname = $1 and wait_event = 'advisory'";
  return (await databases().query(sql, [new URL(url()).pathname.slice(1)])).length;
}

async function untilWaiting(count: number): Promise<void> {
  await expect.poll(waitingCount, { timeout: 10_000 }).toBe(count);
}

test.each([
  { fault: "swallows everything", act: () => proxy.blackhole() },
  { fault: "swallows what goes to the server", act: () => proxy.halfOpen("toServer") },
  { fault: "swallows what comes from the server", act: () => proxy.halfOpen("toClient") },
])(
  "four writers wait behind a network that $fault › whoever is behind them soon has a turn",
  async ({ act }) => {
    const near = await aStore(url());
    const far = await Promise.all(Array.from({ length: 4 }, () => aStore(proxy.through(url()))));
    await Promise.all(far.map(write));
    let lost: Promise<void>[] = [];
    let startedAt = 0;
    let writing = Promise.resolve();
    await holdTurn(near, async () => {
      lost = far.map(write);
      await untilWaiting(4);
      act();
      writing = write(near);
      await untilWaiting(5);
      await pause(200);
      startedAt = performance.now();
    });
    await writing;
    // In turns that each last until the server ends what is idle in its transaction it would be 8 s.
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    await proxy.heal();
    await Promise.all(lost);
    expect(await sessionCount()).toBe(9);
  },
  60_000,
);

test("a writer that takes long to answer comes to its turn at its second attempt, though it had to wait", async () => {
  const near = await aStore(url());
  const far = await aStore(proxy.through(url()));
  await write(far);
  proxy.delay(300);
  const writing = write(far);
  for (let attempt = 0; attempt < 2; attempt++) {
    await holdTurn(near, async () => {
      await untilWaiting(1);
      await pause(200);
    });
  }
  await holdTurn(near, async () => {
    expect(await sessionCount(), "written in the turn between").toBe(2);
  });
  await writing;
}, 40_000);

async function sessionCount(): Promise<number> {
  return Number((await other.query("select count(*) as n from perdure.sessions")).rows[0].n);
}
