import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { parseGitStatus, readGitStatus } from "./git-status.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "perdure-git-"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true, force: true });
});

function git(...args: readonly string[]): string {
  const who = ["-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"];
  return execFileSync("git", [...who, ...args], {
    cwd: dir,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  }).trim();
}

describe("readGitStatus", () => {
  it("is null outside a repository", async () => {
    expect(await readGitStatus(dir)).toBeNull();
    expect(await readGitStatus(join(dir, "missing"))).toBeNull();
  });

  it("looks no higher than git is told to", async () => {
    git("init", "-q");
    mkdirSync(join(dir, "inner"));
    expect(await readGitStatus(join(dir, "inner"))).not.toBeNull();
    vi.stubEnv("GIT_CEILING_DIRECTORIES", `/elsewhere:${dir}`);
    expect(await readGitStatus(join(dir, "inner"))).toBeNull();
    expect(await readGitStatus(dir)).not.toBeNull();
  });

  it("knows a repository without a commit", async () => {
    git("init", "-q");
    expect(await readGitStatus(dir)).toEqual({ commit: null, changed: [] });
  });

  it("names what differs from the commit, whatever it is called, and nothing of Perdure's own", async () => {
    git("init", "-q");
    for (const file of ["kept", "changed", "moved", "gone"]) writeFileSync(join(dir, file), `${file}\n`);
    git("add", ".");
    git("commit", "-qm", "first");
    expect(await readGitStatus(dir)).toEqual({ commit: git("rev-parse", "HEAD"), changed: [] });

    writeFileSync(join(dir, "changed"), "other\n");
    renameSync(join(dir, "moved"), join(dir, "renamed to"));
    rmSync(join(dir, "gone"));
    git("add", "-A");
    writeFileSync(join(dir, "new\nline and ünïcode"), "");
    mkdirSync(join(dir, ".perdure"));
    writeFileSync(join(dir, ".perdure", "perdure.db"), "");
    const status = await readGitStatus(dir);
    expect(status?.changed.toSorted()).toEqual(["changed", "gone", "new\nline and ünïcode", "renamed to"]);
  });

  it("leaves the repository as it was", async () => {
    git("init", "-q");
    writeFileSync(join(dir, "a"), "");
    git("add", ".");
    git("commit", "-qm", "first");
    const before = readFileSync(join(dir, ".git", "index"));
    writeFileSync(join(dir, "a"), "changed");
    await readGitStatus(dir);
    expect(readFileSync(join(dir, ".git", "index")).equals(before)).toBe(true);
  });
});

describe("parseGitStatus", () => {
  it("reads each kind of entry, and takes one that is cut off for none", () => {
    const listed = [
      "# branch.oid 0123abcd",
      "# branch.head main",
      "1 .M N... 100644 100644 100644 aaaa bbbb one file",
      "2 R. N... 100644 100644 100644 aaaa bbbb R100 new name",
      "old name",
      "u UU N... 100644 100644 100644 100644 aaaa bbbb cccc in conflict",
      "? untracked",
      "! ignored",
      "",
    ].join("\0");
    expect(parseGitStatus(listed)).toEqual({
      commit: "0123abcd",
      changed: ["one file", "new name", "in conflict", "untracked"],
    });
  });
});
