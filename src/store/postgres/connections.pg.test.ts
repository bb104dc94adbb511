import { spawn } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";

import { startTcpProxy } from "../../../test/faults/tcp-proxy.ts";
import { aSession } from "../../testing/builders.ts";
import { createSession } from "../commands/sessions.ts";
import { useStoresOfTest } from "../testing/postgres/stores-of-test.ts";
import type { PostgresStore } from "./postgres-store.ts";

const { databases, url, open } = useStoresOfTest();

async function listenerCount(): Promise<number> {
  const sql =
    "select pid from pg_stat_activity where datname = $1 and (query like 'listen %' or query = 'select 1 as alive')";
  return (await databases().query(sql, [new URL(url()).pathname.slice(1)])).length;
}

async function commit(store: PostgresStore): Promise<void> {
  await store.execute(createSession, aSession());
}

test("a lost listening connection is replaced by one, however often it is lost", { timeout: 60_000 }, async () => {
  const store = await open();
  store.onCommit(() => undefined);
  for (let round = 0; round < 4; round++) {
    while ((await listenerCount()) === 0) await pause(20);
    await databases().terminateBackends(url());
    await pause(500);
  }
  await pause(1_000);
  expect(await listenerCount()).toBe(1);
});

test("a listening connection that has died without a word is noticed and replaced", { timeout: 60_000 }, async () => {
  const { hostname, port } = new URL(url());
  const proxy = await startTcpProxy({ host: hostname, port: Number(port) });
  const listening = await open({ through: proxy.through(url()) });
  const told: number[] = [];
  listening.onCommit(() => told.push(performance.now()));
  while ((await listenerCount()) === 0) await pause(20);
  proxy.halfOpen("toClient");
  await pause(100);
  await proxy.heal();
  const writing = await open();
  await pause(7_500);
  told.length = 0;
  const startedAt = performance.now();
  await commit(writing);
  while (told.length === 0) await pause(5);
  expect(performance.now() - startedAt).toBeLessThan(500);
  await proxy.close();
});

/** Opens a store and listens; closes it when its input ends, and then has nothing more to do. */
const PROGRAM = `
import { systemRandom } from ${JSON.stringify(import.meta.resolve("../../base/random.ts"))};
import { openPostgresStore } from ${JSON.stringify(import.meta.resolve("./postgres-store.ts"))};
const store = await openPostgresStore({ url: process.argv[1], projectName: "work", actor: "test", random: systemRandom });
store.onCommit(() => undefined);
process.stdin.on("end", () => store.close()).resume();
`;

test("a process whose connections have died without a word ends all the same", { timeout: 60_000 }, async () => {
  const { hostname, port } = new URL(url());
  const proxy = await startTcpProxy({ host: hostname, port: Number(port) });
  const child = spawn(process.execPath, ["--input-type=module", "-e", PROGRAM, `${proxy.through(url())}`], {
    stdio: ["pipe", "inherit", "inherit"],
  });
  const exited = new Promise<number | null>((done) => {
    child.on("exit", done);
  });
  while ((await listenerCount()) === 0) await pause(20);
  proxy.blackhole();
  child.stdin.end();
  expect(await Promise.race([exited, pause(15_000, "still there")])).toBe(0);
  child.kill("SIGKILL");
  await proxy.close();
});

test(
  "a connection that died is noticed when the server is asked for the time over it",
  { timeout: 60_000 },
  async () => {
    const { hostname, port } = new URL(url());
    const proxy = await startTcpProxy({ host: hostname, port: Number(port) });
    const store = await open({ through: proxy.through(url()) });
    await commit(store);
    // Then the time is due to be looked at.
    await pause(10_500);
    proxy.blackhole();
    const writing = commit(store);
    await pause(200);
    await proxy.heal();
    const startedAt = performance.now();
    await writing;
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    await proxy.close();
  },
);

test(
  "a connection that died within a transaction is noticed, also when the server has ended it before it is asked about",
  { timeout: 60_000 },
  async () => {
    const { hostname, port } = new URL(url());
    const proxy = await startTcpProxy({ host: hostname, port: Number(port) });
    const store = await open({ through: proxy.through(url()) });
    await commit(store);
    const lost = proxy.ambush("commit\0", "request");
    const writing = commit(store);
    await lost;
    const startedAt = performance.now();
    // Nobody can be asked before the server has ended what was idle in its transaction.
    await proxy.refuse();
    await pause(3_000);
    await proxy.heal();
    await writing;
    expect(performance.now() - startedAt).toBeLessThan(12_000);
    await proxy.close();
  },
);
