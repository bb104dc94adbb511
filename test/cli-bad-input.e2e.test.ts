/** Bad input: each gives its exit code and a message that says what to do, and changes nothing. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { beforeEach, describe, expect, test } from "vitest";

import { useCliProject } from "./cli/cli-project.ts";

const project = useCliProject();

const many = (count: number): string =>
  `name: Many\ntasks:\n${Array.from({ length: count }, (_, at) => `  - { id: t${at}, run: "true" }`).join("\n")}\n`;

describe("a plan", () => {
  test.each([
    [
      "with a cycle",
      2,
      "tasks:\n  - { id: a, run: x, needs: [b] }\n  - { id: b, run: x, needs: [a] }\n",
      /plan\.yaml:2:\d+: .*circle: a → b → a/s,
    ],
    [
      "with an unknown key",
      2,
      "tasks:\n  - { id: a, run: x, prioritty: 3 }\n",
      /plan\.yaml:2:\d+.*prioritty.*priority/is,
    ],
    ["with a missing dependency", 2, "tasks:\n  - { id: a, run: x, needs: [bee] }\n", /plan\.yaml:2:\d+.*bee/is],
    ["with an id twice", 2, "tasks:\n  - { id: a, run: x }\n  - { id: a, run: y }\n", /plan\.yaml:\d+:\d+/],
    ["with 1,001 tasks", 5, many(1_001), /1,?001|1,?000/],
    ["with a title of 10 MB", 5, `tasks:\n  - { id: a, run: x, title: "${"x".repeat(10 << 20)}" }\n`, /bytes/],
    [
      "with a title of 2,000 characters",
      5,
      `tasks:\n  - { id: a, run: x, title: "${"x".repeat(2_000)}" }\n`,
      /title.*1,?000/is,
    ],
    ["that is not UTF-8", 2, Buffer.from([0x6e, 0x61, 0x6d, 0x65, 0x3a, 0x20, 0xff, 0xfe, 0x0a]), /UTF-8/],
    ["that is not YAML", 2, "tasks: [\n", /plan\.yaml:\d+:\d+/],
    ["that is empty", 2, "", /plan\.yaml/],
    ["with a task of a later version", 2, "tasks:\n  - { id: a, code: 'return 1' }\n", /later|yet/],
  ])("%s › is refused whole", async (_, exit, content, message) => {
    project.write("plan.yaml", content);
    for (const verb of ["run", "plan", "import"]) {
      const { code, stdout, stderr } = await project.run(verb, "plan.yaml");
      expect([verb, code, stdout]).toEqual([verb, exit, ""]);
      expect(stderr).toMatch(/^error: /);
      expect(stderr).toMatch(message);
      expect(stderr).toContain("\nhint: ");
      expect(stderr.length).toBeLessThan(5_000);
    }
    expect(project.files()).toEqual(["plan.yaml"]);
  });

  test("is refused without a trace in a project that has a session", async () => {
    project.write("good.yaml", many(2));
    await project.run("run", "good.yaml");
    const before = (await project.json("log", "--limit", "1000")) as { readonly items: readonly unknown[] };
    project.write("plan.yaml", many(1_001));
    expect((await project.run("run", "plan.yaml")).code).toBe(5);
    expect(await project.json("log", "--limit", "1000")).toEqual(before);
  });
});

describe("a store", () => {
  beforeEach(async () => {
    project.write("good.yaml", many(50));
    await project.run("run", "good.yaml", "--quiet");
  });

  const database = (): string => join(project.dir, ".perdure", "perdure.db");

  test.each([
    [
      "that is damaged in its middle",
      (path: string) => writeFileSync(path, "not a database at all, but long enough".repeat(200)),
    ],
    ["that lost its end", (path: string) => writeFileSync(path, readFileSync(path).subarray(0, 8_192))],
  ])("%s › ends with 7, tells of it, and is left as it is", async (_, damage) => {
    damage(database());
    const before = readFileSync(database());
    for (const words of [["status"], ["resume"], ["doctor"], ["task", "add", "x"]]) {
      const { code, stdout, stderr } = await project.run(...words);
      expect([words, code]).toEqual([words, 7]);
      expect(stdout + stderr).toMatch(/damaged/);
    }
    expect(readFileSync(database()).equals(before)).toBe(true);
  });

  test("of a newer program › ends with 6 and is left as it is", async () => {
    const newer = new DatabaseSync(database());
    newer.exec("pragma user_version = 999");
    newer.close();
    const { code, stderr } = await project.run("status");
    expect(code).toBe(6);
    expect(stderr).toMatch(/schema version 999.*\nhint: Update Perdure/);
    expect((await project.run("run", "good.yaml", "--json")).stderr).toContain('"code":"store-too-new"');
  });
});

describe("a place", () => {
  test("in which nothing can be made › ends with 7", async () => {
    project.write("plan.yaml", many(1));
    // As in a read-only directory, also for root.
    project.write(".perdure", "a file where the folder should be");
    const { code, stderr } = await project.run("run", "plan.yaml");
    expect(code).toBe(7);
    expect(stderr).toMatch(/^error: The directory .*\.perdure cannot be made: .*\nhint: Check that/);
    expect(project.files()).toEqual([".perdure", "plan.yaml"]);
  });

  test.skipIf(!existsSync("/sys/kernel"))("that the system keeps read-only › ends with 7", async () => {
    for (const words of [["init"], ["task", "add", "x"]]) {
      const { code, stderr } = await project.run(...words, "--project", "/sys");
      expect([words, code]).toEqual([words, 7]);
      expect(stderr).toMatch(/\nhint: Check that/);
    }
  });

  test("whose configuration is wrong › ends with 2 and says where", async () => {
    project.write("perdure.yaml", "supervisor:\n  nmae: x\n");
    project.write("plan.yaml", many(1));
    for (const words of [
      ["run", "plan.yaml"],
      ["config", "check"],
    ]) {
      const { code, stderr } = await project.run(...words);
      expect([words, code]).toEqual([words, 2]);
      expect(stderr).toMatch(/perdure\.yaml:2:3.*nmae.*name/s);
    }
    expect(project.has(".perdure")).toBe(false);
  });
});
