import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

import { afterEach, describe, expect, it } from "vitest";

import { aWorkspace } from "./testing/a-workspace.ts";
import { fileState } from "./testing/file-state.ts";

const PATH = process.env.PATH;
afterEach(() => {
  process.env.PATH = PATH;
  delete process.env.GIT_DIR;
  delete process.env.GIT_INDEX_FILE;
});

/** Every file of a git directory, with what tells whether it was written to. */
function untouched(gitDir: string): Readonly<Record<string, string>> {
  const names = readdirSync(gitDir, { recursive: true, encoding: "utf8" }).toSorted();
  return Object.fromEntries(
    names.map((name) => {
      const found = statSync(join(gitDir, name));
      return [
        name,
        `${found.mtimeMs} ${found.ctimeMs} ${found.isFile() ? readFileSync(join(gitDir, name), "base64") : ""}`,
      ];
    }),
  );
}

describe("the user's repository", () => {
  it("is not touched by anything done here, whatever the environment names", async () => {
    const { dir, workspace, write, git } = aWorkspace();
    git("init", "-q");
    write("tracked", "1");
    git("add", ".");
    git("-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "-m", "first");
    write("staged", "2");
    git("add", "staged");
    write("tracked", "3");
    const before = untouched(join(dir, ".git"));
    process.env.GIT_DIR = join(dir, ".git");
    process.env.GIT_INDEX_FILE = join(dir, ".git", "index");
    const { commit } = await workspace.take({ label: "one" });
    write("tracked", "4");
    await workspace.diff(commit, "now");
    await workspace.restore(commit);
    await workspace.keepOnly(new Set());
    await workspace.check();
    expect(untouched(join(dir, ".git"))).toEqual(before);
    expect(readFileSync(join(dir, "tracked"), "utf8")).toBe("3");
  });

  it("says what is ignored from above, when the project is a directory in it", async () => {
    const { dir, workspace, write } = aWorkspace({ inside: "repo/pack[a]ge" });
    const top = dirname(dir);
    execFileSync("git", ["init", "-q"], { cwd: top });
    writeFileSync(join(top, ".gitignore"), "*.log\n/pack[[]a]ge/out/\n");
    writeFileSync(join(top, ".git/info/exclude"), "secret\n");
    writeFileSync(join(top, "outside"), "not ours");
    for (const path of ["a.log", "out/x", "secret", "sub/kept", "mine", "deep/mine", "top-only", "deep/top-only"])
      write(path, path);
    write(".perdureignore", "# a comment\nmine\n/top-only\n");
    const { commit } = await workspace.take({ label: "one" });
    const kept = Object.keys(fileState(dir));
    rmSync(join(dir, "sub"), { recursive: true });
    rmSync(join(dir, "deep"), { recursive: true });
    const restored = await workspace.restore(commit);
    expect(restored).toMatchObject({ written: 2, deleted: 0 });
    expect(Object.keys(fileState(dir))).toEqual(kept.filter((path) => path !== "deep/mine"));
    expect(readFileSync(join(top, "outside"), "utf8")).toBe("not ours");
  });

  it("that ignores the whole project says nothing about the files in it", async () => {
    const { dir, workspace, write } = aWorkspace({ inside: "repo/build" });
    execFileSync("git", ["init", "-q"], { cwd: dirname(dir) });
    writeFileSync(join(dirname(dir), ".gitignore"), "build/\n*.txt\n");
    write("a.txt", "1");
    await expect(workspace.take({ label: "one" })).resolves.toMatchObject({ files: 1 });
  });
});

describe("what a snapshot holds", () => {
  it("follows ignore files at every level, .perdureignore last, and never holds .git, .perdure or the store", async () => {
    const { dir, workspace, write, git } = aWorkspace({ alwaysExcluded: ["data/store"] });
    git("init", "-q");
    write(".gitignore", "*.log\nnode_modules/\n");
    write("sub/.gitignore", "local\n!keep.log\n");
    write(".perdureignore", "!wanted.log\nnot-wanted\n");
    write(".git/info/exclude", "excluded\n");
    const names = ["a.log", "node_modules/x", "sub/local", "sub/keep.log", "wanted.log", "not-wanted", "excluded"];
    for (const path of [...names, "data/store/perdure.db", "sub/.perdure/x", "a"]) write(path, "x");
    const { commit } = await workspace.take({ label: "one" });
    for (const path of Object.keys(fileState(dir))) rmSync(join(dir, path));
    const gone = await workspace.diff(commit, "now");
    const held = [".gitignore", ".perdureignore", "a", "sub/.gitignore", "sub/keep.log", "wanted.log"];
    expect(gone).toEqual(held.map((path) => ({ path, change: "deleted" })));
  });

  it("leaves repositories inside the project alone and names them", async () => {
    const { dir, workspace, write } = aWorkspace();
    write("a", "1");
    write("inner/file", "as a plain directory");
    const { commit } = await workspace.take({ label: "plain" });
    execFileSync("git", ["init", "-q"], { cwd: join(dir, "inner") });
    write("inner/file", "mine");
    await expect(workspace.take({ label: "nested" })).resolves.toMatchObject({ files: 1, repositories: ["inner"] });
    await expect(workspace.restore(commit)).resolves.toMatchObject({ leftAlone: ["inner/file"] });
    expect(readFileSync(join(dir, "inner/file"), "utf8")).toBe("mine");
  });

  it.each([
    ["a file", { fileBytes: 99 }, "large (100 bytes)"],
    ["all of them", { totalBytes: 150 }, "large (100 bytes)"],
    ["their number", { files: 2 }, "many/ (2 files)"],
  ])("is refused over the limit on %s, naming the largest", async (_, limits, named) => {
    const { dir, workspace, write } = aWorkspace({ limits });
    write("large", "x".repeat(100));
    write("many/one", "x".repeat(50));
    write("many/two", "x".repeat(50));
    await expect(workspace.take({ label: "one" })).rejects.toMatchObject({
      code: "limit-reached",
      message: expect.stringContaining(named),
      hint: expect.stringContaining(".perdureignore"),
    });
    expect(readdirSync(join(dir, ".perdure/workspace.git/refs/snapshots"))).toEqual([]);
  });

  it("is told to need git where there is none", async () => {
    const { workspace } = aWorkspace();
    process.env.PATH = "/nowhere";
    await expect(workspace.take({ label: "one" })).rejects.toMatchObject({ code: "unsupported" });
  });

  it("sees a change of the same size made at once", async () => {
    const { workspace, write } = aWorkspace();
    const commits = new Set<string>();
    for (let turn = 0; turn < 6; turn++) {
      write("a", String(turn));
      commits.add((await workspace.take({ label: "same" })).commit);
    }
    expect(commits.size).toBe(6);
  });
});

describe("restore", () => {
  it("keeps what it replaces, even where an ignore file has come to hide it", async () => {
    const { dir, workspace, write } = aWorkspace();
    write("notes", "old");
    write("keep", "1");
    const { commit } = await workspace.take({ label: "one" });
    write(".gitignore", "notes\n");
    write("notes", "new, and ignored");
    const { before } = await workspace.restore(commit);
    expect(fileState(dir)).toEqual({ keep: expect.anything(), notes: `644 ${btoa("old")}` });
    await workspace.restore(before);
    expect(readFileSync(join(dir, "notes"), "utf8")).toBe("new, and ignored");
  });

  it("leaves what the snapshot's ignore files ignore, though those of now do not", async () => {
    const { dir, workspace, write } = aWorkspace();
    write(".gitignore", "out/\n");
    const { commit } = await workspace.take({ label: "one" });
    rmSync(join(dir, ".gitignore"));
    write("out/made", "x");
    await workspace.restore(commit);
    expect(readFileSync(join(dir, "out/made"), "utf8")).toBe("x");
  });

  it("writes nothing through a link that took the place of a directory", async () => {
    const { dir, workspace, write } = aWorkspace();
    write("d/file", "inside");
    const { commit } = await workspace.take({ label: "one" });
    rmSync(join(dir, "d"), { recursive: true });
    const elsewhere = join(dirname(dir), "elsewhere");
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, "file"), "theirs");
    symlinkSync(elsewhere, join(dir, "d"));
    await workspace.restore(commit);
    expect(readFileSync(join(elsewhere, "file"), "utf8")).toBe("theirs");
    expect(lstatSync(join(dir, "d")).isDirectory()).toBe(true);
  });

  it("is refused where a directory with ignored files would have to go, and changes nothing", async () => {
    const { dir, workspace, write } = aWorkspace();
    write(".gitignore", "*.ignored\n");
    write("a", "file");
    write("b", "1");
    const { commit } = await workspace.take({ label: "one" });
    rmSync(join(dir, "a"));
    write("a/x.ignored", "precious");
    write("b", "2");
    const before = fileState(dir);
    await expect(workspace.restore(commit)).rejects.toMatchObject({ code: "conflict" });
    expect(fileState(dir)).toEqual(before);
  });

  it("is refused when the snapshot is damaged, and changes nothing", async () => {
    const { dir, workspace, write } = aWorkspace();
    write("a", "one");
    const { commit } = await workspace.take({ label: "one" });
    write("a", "two");
    const objects = join(dir, ".perdure/workspace.git/objects");
    const blob = execFileSync("git", ["hash-object", "--stdin"], { input: "one", encoding: "utf8" }).trim();
    const file = join(objects, blob.slice(0, 2), blob.slice(2));
    chmodSync(file, 0o644);
    writeFileSync(file, "damage");
    await expect(workspace.check()).resolves.not.toEqual([]);
    await expect(workspace.restore(commit)).rejects.toMatchObject({ code: "store-damaged" });
    expect(readFileSync(join(dir, "a"), "utf8")).toBe("two");
  });

  it("knows no other snapshots than those taken", async () => {
    const { workspace, write } = aWorkspace();
    await expect(workspace.restore("0".repeat(40))).rejects.toMatchObject({ code: "not-found" });
    write("a", "1");
    await workspace.take({ label: "one" });
    for (const commit of ["0".repeat(40), "--all", "HEAD"]) {
      await expect(workspace.restore(commit)).rejects.toMatchObject({ code: "not-found" });
    }
  });
});

describe("keepOnly", () => {
  it("forgets what is old and not wanted, and keeps the rest whole", async () => {
    const { dir, workspace, write, clock } = aWorkspace();
    write("a", "one");
    const first = await workspace.take({ label: "first" });
    write("a", "two");
    const second = await workspace.take({ label: "second" });
    clock.advance(2 * 3_600_000);
    write("a", "three");
    const third = await workspace.take({ label: "third" });
    await expect(workspace.keepOnly(new Set([second.commit]))).resolves.toHaveLength(1);
    expect(existsSync(join(dir, ".perdure/workspace.git/refs/snapshots", first.commit))).toBe(false);
    await workspace.restore(second.commit);
    expect(readFileSync(join(dir, "a"), "utf8")).toBe("two");
    await workspace.restore(third.commit);
    expect(readFileSync(join(dir, "a"), "utf8")).toBe("three");
    await expect(workspace.check()).resolves.toEqual([]);
  });
});

describe("a file with the name of what every object has", () => {
  it.each(["__proto__", "constructor", "toString"])("%s is restored with its mode, usual or not", async (name) => {
    const { dir, workspace, write } = aWorkspace();
    write("kept", "1");
    const { commit: without } = await workspace.take({ label: "without" });
    write(name, "2");
    const { commit: usual } = await workspace.take({ label: "usual" });
    chmodSync(join(dir, name), 0o600);
    const { commit: unusual } = await workspace.take({ label: "unusual" });
    await workspace.restore(without);
    expect(existsSync(join(dir, name))).toBe(false);
    await workspace.restore(unusual);
    expect(statSync(join(dir, name)).mode & 0o777).toBe(0o600);
    await workspace.restore(usual);
    expect(statSync(join(dir, name)).mode & 0o777).toBe(0o644);
  });
});
