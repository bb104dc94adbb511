import { mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";

import { beforeEach, describe, expect, it } from "vitest";

import { useCliProject } from "./cli/cli-project.ts";

const project = useCliProject();
beforeEach(async () => {
  for (const title of ["one", "two"]) await project.json("task", "add", title);
});

const database = (): string => join(project.dir, ".perdure", "perdure.db");

function overwrite(file: string, at: number, text: string): void {
  writeSync(openSync(file, "r+"), text, at);
}

describe("perdure repair", () => {
  it("says that nothing is damaged, and changes nothing then", async () => {
    const before = project.files();
    const { code, stdout } = await project.run("repair");
    expect([code, stdout]).toEqual([0, "Nothing is damaged.\n"]);
    expect(project.files()).toEqual(before);
  });

  it.each<[string, () => void]>([
    ["overwritten", () => overwrite(database(), 0, "This was a database once. ".repeat(20))],
    ["emptied", () => writeFileSync(database(), "")],
    ["deleted", () => rmSync(database())],
  ])("brings back a database that was %s, which every other command refuses with a hint at it", async (_, damage) => {
    const tasks = await project.json("task", "list");
    damage();
    for (const words of [["status"], ["task", "add", "three"]]) {
      const { code, stderr } = await project.run(...words);
      expect([words, code]).toEqual([words, 7]);
      expect(stderr).toContain("perdure repair");
    }
    const { code, stdout } = await project.run("repair");
    expect(stdout).toContain("Everything was recovered.");
    expect(code).toBe(0);
    expect(await project.json("task", "list")).toEqual(tasks);
    expect((await project.run("doctor", "--deep")).code).toBe(0);
  });

  it("exits with 7 and names what is lost when no copy is left of it", async () => {
    const [journal = ""] = readdirSync(join(project.dir, ".perdure", "journal"));
    const path = join(project.dir, ".perdure", "journal", journal);
    const lines = project.read(join(".perdure", "journal", journal)).split("\n");
    const second = lines.findIndex((line) => line.includes('"title":"one"'));
    writeFileSync(path, lines.filter((_, index) => index !== second).join("\n"));
    rmSync(database());
    const { code, stdout } = await project.run("repair");
    expect(code).toBe(7);
    expect(stdout).toMatch(/lost {7}1 change \(\d+\)/);
    const { code: after, stdout: list } = await project.run("task", "list");
    expect([after, list.includes("two"), list.includes("one")]).toEqual([0, true, false]);
    expect((await project.run("repair")).code).toBe(0);
  });

  it("opens a store of jsonl again whose journal has a damaged line, and names the line", async () => {
    const jsonl = ["--store", "jsonl", "--project", "separate"];
    mkdirSync(join(project.dir, "separate"));
    for (const title of ["one", "two"]) await project.run("task", "add", title, ...jsonl);
    const directory = join(project.dir, "separate", ".perdure", "journal");
    const path = join(directory, readdirSync(directory)[0] ?? "");
    writeFileSync(path, readFileSync(path, "utf8").replace('"title":"one"', '"title":"onx"'));
    expect((await project.run("task", "list", ...jsonl)).code).toBe(7);
    const { code, stdout } = await project.run("repair", ...jsonl);
    expect(code).toBe(7);
    expect(stdout).toMatch(/damaged {4}journal: .*jsonl:\d+: its checksum does not fit/);
    expect(stdout).toMatch(/lost {7}1 change \(\d+\)/);
    const { code: after, stdout: list } = await project.run("task", "list", ...jsonl);
    expect([after, list.includes("two"), list.includes("one")]).toEqual([0, true, false]);
    expect((await project.run("doctor", "--deep", ...jsonl)).code).toBe(0);
  });

  it("does not ask where nobody can answer", async () => {
    const { code, stderr } = await project.run("repair", "--discard");
    expect(code).toBe(2);
    expect(stderr).toContain("--yes");
    expect((await project.run("repair", "--discard", "--yes")).code).toBe(0);
  });
});

describe("perdure doctor", () => {
  it("names damage of the copies and what to do", async () => {
    const [journal = ""] = readdirSync(join(project.dir, ".perdure", "journal"));
    overwrite(join(project.dir, ".perdure", "journal", journal), 200, "#####");
    writeFileSync(join(project.dir, ".perdure", "tasks", "current.json"), "{");
    const { code, stdout } = await project.run("doctor");
    expect(code).toBe(1);
    expect(stdout).toMatch(/wrong {4}journal .*damaged lines?/);
    expect(stdout).toMatch(/wrong {4}files .*current\.json/);
    expect(stdout).toContain("perdure repair");
    expect((await project.run("repair")).code).toBe(0);
    expect((await project.run("doctor")).code).toBe(0);
  });
});
