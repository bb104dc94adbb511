import { afterAll, beforeAll, describe, expect, test } from "vitest";

import type { PostgresServer } from "./postgres-server.ts";
import { startPostgres } from "./postgres-server.ts";
import { sharedPostgres } from "./shared-postgres.ts";

describe("the shared server", () => {
  test("syncs every commit, and is recent enough", async () => {
    const { query } = await sharedPostgres();
    const [row] = await query<{ fsync: string; commit: string; version: number }>(
      "select current_setting('fsync') fsync, current_setting('synchronous_commit') as commit, current_setting('server_version_num')::int as version",
    );
    expect(row).toMatchObject({ fsync: "on", commit: "on" });
    expect(row?.version).toBeGreaterThanOrEqual(150_000);
  });

  test.each([true, false])(
    "gives databases that share nothing, also as copies of one (synced: %s)",
    async (isSynced) => {
      const { createDatabase, dropDatabase, query } = await sharedPostgres({ isSynced });
      const first = await createDatabase();
      await query("create table things (id int)", [], first);
      const copy = await createDatabase({ template: new URL(first).pathname.slice(1) });
      const empty = await createDatabase();
      expect(await query("select id from things", [], copy)).toEqual([]);
      await expect(query("select id from things", [], empty)).rejects.toThrow("does not exist");
      for (const url of [first, copy, empty]) await dropDatabase(url);
    },
  );

  test("knows letters beyond ASCII", async () => {
    const { query } = await sharedPostgres();
    expect(await query("select lower('ÄÖ') as lower")).toEqual([{ lower: "äö" }]);
  });
});

describe("a server of one's own", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres({ max_connections: 20 });
  });
  afterAll(async () => server.remove());

  for (const mode of ["fast", "immediate"] as const) {
    test(`keeps what was committed over a stop (${mode}), on the same port`, async () => {
      const url = await server.createDatabase();
      await server.query("create table things (id int)", [], url);
      await server.query("insert into things values (1)", [], url);
      const before = server.pid();
      await server.stop(mode);
      await expect(server.query("select 1")).rejects.toThrow("ECONNREFUSED");
      await server.start();
      expect(server.pid()).not.toBe(before);
      expect(await server.query("select id from things", [], url)).toEqual([{ id: 1 }]);
    });
  }

  test("restarts with other settings", async () => {
    await server.restart({ mode: "immediate", settings: { max_connections: 7 } });
    expect(await server.query("show max_connections")).toEqual([{ max_connections: "7" }]);
  });

  test("cuts off the clients of one database", async () => {
    const url = await server.createDatabase();
    const cut = server.query("select pg_sleep(30)", [], url);
    const told = expect(cut).rejects.toThrow(/terminat/);
    while ((await server.terminateBackends(url)) === 0);
    await told;
  });
});
