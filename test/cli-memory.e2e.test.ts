/** Working memory and facts from the command line, on a real project. */

import { describe, expect, test } from "vitest";

import { createCliProject, useCliProject } from "./cli/cli-project.ts";

const project = useCliProject();
const { ok } = project;

describe("memory", () => {
  test("set, get, list, summary, delete, clear", async () => {
    await ok("memory", "set", "ports", "[8080, 8081]", "--ttl", "2h", "-i", "0.9");
    await ok("memory", "set", "note", "just a text", "--ttl", "none");
    expect(await ok("memory", "get", "ports")).toBe("[8080,8081]\n");
    expect(await ok("memory", "get", "note")).toBe("just a text\n");
    expect(await ok("memory", "list")).toMatch(
      /^ports {2}0\.9 {2}11 {2}in .* {2}\[8080,8081]\nnote {3}0\.5 {2}13 {2}never/,
    );
    expect(await ok("memory", "summary", "--strategy", "important")).toBe(
      'Working memory: 2 of 2 entries, the most important first\n- ports: [8080,8081]\n- note: "just a text"\n',
    );
    await ok("memory", "delete", "ports");
    expect((await project.run("memory", "get", "ports")).code).toBe(3);
    expect(await ok("memory", "clear")).toBe("Removed 1 entry\n");
  });

  test("reads - from the standard input, and refuses what cannot be kept", async () => {
    const set = project.start(["memory", "set", "piped", "-"]);
    set.process.stdin.end('{"from": "a pipe"}\n');
    expect((await set.finished).code).toBe(0);
    expect(await project.json("memory", "get", "piped")).toMatchObject({ value: { from: "a pipe" } });
    expect((await project.run("memory", "set", "k", "1", "--importance", "2")).code).toBe(2);
    expect((await project.run("memory", "set", "k", "1", "--ttl", "soon")).code).toBe(2);
    expect((await project.run("memory", "set", "", "1")).code).toBe(2);
  });

  test("keeps the configured limit, and says what made room", async () => {
    project.write("perdure.yaml", "supervisor: { session: { working_memory: { max_entries: 1 } } }\n");
    await ok("memory", "set", "a", "1");
    expect(await ok("memory", "set", "b", "1")).toMatch(/; made room: a\n$/);
    const refused = await project.run("memory", "set", "c", "1", "--importance", "0.1");
    expect([refused.code, refused.stderr]).toEqual([5, expect.stringContaining("has no room for")]);
  });

  test("says what a Redis backend lacks", async () => {
    project.write("perdure.yaml", "supervisor: { session: { working_memory: { backend: redis } } }\n");
    const { code, stderr } = await project.run("memory", "set", "a", "1");
    expect([code, stderr]).toEqual([2, expect.stringContaining("PERDURE_REDIS_URL")]);
  });
});

describe("facts", () => {
  test("remember, recall, facts, forget, confirm, and a file back and forth", async () => {
    await ok("remember", "We use SQLite: no server to run", "--kind", "decision");
    const listed = (await project.json("facts")) as { items: { id: string }[] };
    const id = listed.items[0]?.id ?? "";
    await ok("remember", "Backups copy a file", "--depends-on", id.slice(0, 8));
    const line = await ok("recall", "server", "sqlite");
    expect(line).toBe(`- [decision] We use SQLite: no server to run (source: person; ${id.slice(0, 8)})\n`);
    expect(await ok("remember", "--", line.trim())).toMatch(/^Known already: /);
    const replaced = await ok("remember", "We use Postgres", "--supersedes", id.slice(0, 8), "-k", "decision");
    expect(replaced).toContain("Backups copy a file");
    expect(await ok("facts", "--status", "questioned")).toMatch(
      /^\w{8} {2}finding {2}questioned {2}Backups copy a file\n$/,
    );
    expect(await ok("facts", "show", id, "--history")).toMatch(
      /History:\n.*remember by cli: We use SQLite[\s\S]*We use Postgres/,
    );
    const questioned = (await project.json("facts", "list", "--status", "questioned")) as typeof listed;
    const built = questioned.items[0]?.id ?? "";
    expect(await ok("facts", "confirm", built)).toMatch(/^Confirmed /);
    expect(await ok("facts", "edit", built, "Backups copy one file")).toMatch(/^Now /);
    expect(await ok("forget", built, "--reason", "no more")).toMatch(/^Forgot .*retired: no more\n$/);
    project.write("facts.jsonl", await ok("facts", "export"));
    expect(await ok("facts", "import", "facts.jsonl")).toBe("Facts: 0 added, 3 known\n");
    const other = createCliProject();
    other.write("facts.jsonl", project.read("facts.jsonl"));
    expect((await other.run("facts", "import", "facts.jsonl")).stdout).toBe("Facts: 3 added, 0 known\n");
    expect((await other.run("facts", "export")).stdout).toBe(project.read("facts.jsonl"));
    other.remove();
  });

  test("refuses a file with a fault, whole", async () => {
    await ok("remember", "one");
    const line = (await ok("facts", "export")).split("\n")[1] ?? "";
    const fresh = line.replace(/"id":"\w{8}/, '"id":"00000000').replace('"one"', '"two"');
    project.write("bad.jsonl", `{"perdureFacts":1}\n${fresh}\n{"id": 7}\n`);
    const { code, stderr } = await project.run("facts", "import", "bad.jsonl");
    expect([code, stderr]).toEqual([2, expect.stringContaining("Line 3 of the file is no fact: id:")]);
    expect(await ok("facts")).toMatch(/^\w{8} {2}finding {2}active {2}one\n$/);
    expect((await project.run("facts", "import", "nowhere.jsonl")).code).toBe(3);
    expect((await project.run("facts", "nonsense")).code).toBe(2);
  });
});
