/** Commands that only read, on a server where nothing was ever recorded. */

import { expect, test } from "vitest";

import { sharedPostgres } from "../src/store/testing/postgres/shared-postgres.ts";
import { useTestDatabase } from "../src/store/testing/postgres/test-database.ts";
import { useCliProject } from "./cli/cli-project.ts";

const database = useTestDatabase();
const project = useCliProject();

const READS = [["status"], ["task", "list"], ["log"], ["brief"], ["session", "list"], ["doctor", "--deep"]] as const;

async function schemas(): Promise<readonly string[]> {
  const sql = "select nspname as name from pg_namespace where nspname = 'perdure'";
  return (await (await sharedPostgres({ isSynced: false })).query<{ name: string }>(sql, [], database())).map(
    ({ name }) => name,
  );
}

test("what reads says that no project is there and makes none; what writes makes it", async () => {
  const store = ["--store", `${database()}?project=work`];
  for (const words of READS) {
    const { code, stdout, stderr } = await project.run(...words, ...store);
    expect([words, code, stdout]).toEqual([words, 3, ""]);
    expect(stderr).toContain(`There is no Perdure project "work" in postgres://`);
    expect(stderr).toContain("perdure run PLAN");
  }
  expect([await schemas(), project.files()]).toEqual([[], []]);
  await project.ok("task", "add", "first", ...store);
  expect(await project.ok("task", "list", ...store)).toContain("first");
}, 60_000);
