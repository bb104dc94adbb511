import { existsSync } from "node:fs";
import { link, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { seededRandom } from "../base/random.ts";
import { artifactFiles, type ArtifactFiles } from "./artifact-files.ts";

/** Of "hello". */
const HELLO = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
const hello = new TextEncoder().encode("hello");

let root: string;
let dir: string;
let files: ArtifactFiles;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "perdure-artifacts-"));
  dir = join(root, ".perdure", "artifacts");
  files = artifactFiles({ dir, random: seededRandom(1) });
});
afterEach(() => rm(root, { recursive: true }));

const listed = async (): Promise<readonly string[]> => (await readdir(dir, { recursive: true })).toSorted();

async function aFile(content: string | Uint8Array): Promise<string> {
  const path = join(root, "source");
  await writeFile(path, content);
  return path;
}

describe("putBytes", () => {
  it("names the file after its content", async () => {
    expect(await files.putBytes(hello)).toEqual({ hash: HELLO, sizeBytes: 5 });
    expect(await listed()).toEqual(["2c", join("2c", HELLO)]);
    expect(await files.read(HELLO)).toEqual(Buffer.from("hello"));
  });

  it("keeps the same content once, also when put many times at once", async () => {
    await Promise.all(Array.from({ length: 20 }, () => files.putBytes(hello)));
    expect(await listed()).toEqual(["2c", join("2c", HELLO)]);
  });

  it("keeps empty content too", async () => {
    const { hash, sizeBytes } = await files.putBytes(new Uint8Array());
    expect(sizeBytes).toBe(0);
    expect(await files.read(hash)).toHaveLength(0);
  });

  it("puts right a file that is shorter than it was", async () => {
    await files.putBytes(hello);
    await writeFile(join(dir, "2c", HELLO), "hel");
    await files.putBytes(hello);
    expect(await files.read(HELLO)).toEqual(Buffer.from("hello"));
  });
});

describe("renew", () => {
  it("makes a file as young as one just put, and says when there is none", async () => {
    expect(await files.renew(HELLO)).toBe(false);
    await files.putBytes(hello);
    await utimes(join(dir, "2c", HELLO), 1, 1);
    expect(await files.renew(HELLO)).toBe(true);
    const rule = { before: 2_000_000, lookedThrough: 0, isNeeded: async () => false };
    expect(await files.removeUnused(HELLO, rule)).toBe(false);
    expect(await files.removeUnused(HELLO, { ...rule, before: Number.MAX_SAFE_INTEGER })).toBe(true);
    expect(await files.has(HELLO)).toBe(false);
  });
});

describe("putMoved", () => {
  it("takes the file away", async () => {
    const path = await aFile("hello");
    expect(await files.putMoved(path)).toEqual({ hash: HELLO, sizeBytes: 5 });
    expect(existsSync(path)).toBe(false);
    expect(await files.read(HELLO)).toEqual(Buffer.from("hello"));
  });

  it("takes the file away when its content was there", async () => {
    await files.putBytes(hello);
    const path = await aFile("hello");
    expect(await files.putMoved(path)).toEqual({ hash: HELLO, sizeBytes: 5 });
    expect(existsSync(path)).toBe(false);
    expect(await listed()).toEqual(["2c", join("2c", HELLO)]);
  });

  it("hashes a large file in parts", async () => {
    const content = Buffer.alloc(3_000_000, "perdure ");
    const moved = await files.putMoved(await aFile(content));
    expect(moved).toEqual(await files.putBytes(content));
  });

  it("copies what a link leads to, and takes the link away", async () => {
    const path = await aFile("hello");
    await symlink(path, join(root, "link"));
    await files.putMoved(join(root, "link"));
    expect(existsSync(join(root, "link"))).toBe(false);
    expect(await readFile(path, "utf8")).toBe("hello");
    expect(await files.has(HELLO)).toBe(true);
  });

  it("does not share a file with another name that could change it", async () => {
    const path = await aFile("hello");
    await link(path, join(root, "second"));
    await files.putMoved(path);
    await writeFile(join(root, "second"), "other");
    expect(await files.read(HELLO)).toEqual(Buffer.from("hello"));
  });

  it.runIf(existsSync("/dev/shm"))("moves between file systems", async () => {
    const elsewhere = await mkdtemp("/dev/shm/perdure-artifacts-");
    const path = join(elsewhere, "source");
    await writeFile(path, "hello");
    await files.putMoved(path);
    expect(existsSync(path)).toBe(false);
    expect(await listed()).toEqual(["2c", join("2c", HELLO)]);
    await rm(elsewhere, { recursive: true });
  });

  it("refuses what is no file", async () => {
    await mkdir(join(root, "directory"));
    await expect(files.putMoved(join(root, "directory"))).rejects.toMatchObject({
      code: "invalid-input",
    });
    await expect(files.putMoved(join(root, "missing"))).rejects.toThrow(join(root, "missing"));
  });
});

describe("reading", () => {
  it("streams the content", async () => {
    await files.putBytes(hello);
    expect(await buffer(await files.open(HELLO))).toEqual(Buffer.from("hello"));
  });

  it("says what is not there", async () => {
    expect(await files.has(HELLO)).toBe(false);
    await expect(files.read(HELLO)).rejects.toMatchObject({ code: "not-found" });
    await expect(files.open(HELLO)).rejects.toMatchObject({ code: "not-found" });
  });

  it("notices content that has changed", async () => {
    await files.putBytes(hello);
    await writeFile(join(dir, "2c", HELLO), "hallo");
    await expect(files.read(HELLO)).rejects.toMatchObject({ code: "store-damaged" });
  });

  it("takes nothing but a hash for a name", async () => {
    await expect(files.read("../../etc/passwd")).rejects.toMatchObject({ code: "invalid-input" });
  });
});
