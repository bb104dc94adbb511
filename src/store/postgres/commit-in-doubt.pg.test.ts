/** Commits that were sent and not answered: acknowledged writes took place, and no write takes place twice (INV-1). */

import { afterEach, beforeEach, expect, test } from "vitest";

import { startTcpProxy } from "../../../test/faults/tcp-proxy.ts";
import type { TcpProxy } from "../../../test/faults/tcp-proxy.ts";
import { systemRandom } from "../../base/random.ts";
import { aSession } from "../../testing/builders.ts";
import { createSession } from "../commands/sessions.ts";
import type { PostgresServer } from "../testing/postgres/postgres-server.ts";
import { startPostgres } from "../testing/postgres/postgres-server.ts";
import type { PostgresStore } from "./postgres-store.ts";
import { openPostgresStore } from "./postgres-store.ts";

/** As it goes over the wire. */
const COMMIT = "commit\0";

let server: PostgresServer;
let proxy: TcpProxy;
let url: string;
let store: PostgresStore;

beforeEach(async () => {
  // Nothing is written down before a commit asks for it.
  server = await startPostgres({ wal_writer_delay: "10s" });
  proxy = await startTcpProxy(server);
  url = await server.createDatabase();
  store = await openPostgresStore({
    url: `${proxy.through(url)}?project=doubt&listen=false`,
    projectName: "doubt",
    actor: "test",
    random: systemRandom,
  });
  await store.execute(createSession, aSession());
}, 60_000);
afterEach(async () => {
  await store.close();
  await proxy.close();
  await server.remove();
});

test.each(["request", "answer"] as const)("the %s of a commit is lost › it took place once", async (swallowed) => {
  const sprung = proxy.ambush(COMMIT, swallowed);
  const creating = store.execute(createSession, aSession());
  await sprung;
  proxy.cut();
  const { id } = await creating;
  expect(await found(id)).toBe(1);
  expect(await total()).toBe(2);
});

test("the server crashes before the commit and gives its transaction's id to another › it took place once", async () => {
  const sprung = proxy.ambush(COMMIT, "request");
  const creating = store.execute(createSession, aSession());
  await sprung;
  await proxy.refuse();
  await server.stop("immediate");
  await server.start();
  proxy.cut();
  for (let count = 0; count < 40; count++) await server.query("select pg_current_xact_id()", [], url);
  await proxy.heal();
  const { id } = await creating;
  expect(await found(id)).toBe(1);
  expect(await total()).toBe(2);
});

async function found(id: string): Promise<number> {
  return (await server.query("select id from perdure.sessions where id = $1", [id], url)).length;
}

async function total(): Promise<number> {
  return Number((await server.query<{ n: string }>("select count(*) as n from perdure.sessions", [], url))[0]?.n);
}
