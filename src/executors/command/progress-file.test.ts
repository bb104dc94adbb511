import { appendFile, mkdtemp, rename, rm, truncate, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { systemClock } from "../../base/clock.ts";
import type { ProgressUpdate } from "../../engine/run.ts";
import { findNewestProgress, parseProgressLine, watchProgressFile } from "./progress-file.ts";

describe("parseProgressLine", () => {
  it.each([
    ["42", { percent: 42 }],
    ["42%", { percent: 42 }],
    ["42 half way", { percent: 42, message: "half way" }],
    ["  42.5 %  half way \r", { percent: 42.5, message: "half way" }],
    ["0", { percent: 0 }],
    ["100% done", { percent: 100, message: "done" }],
  ])("reads %j", (line, expected) => {
    expect(parseProgressLine(line)).toEqual(expected);
  });

  it.each(["", "half way", "101", "-1", "42half", "4x", "1e2", "NaN", "%"])("passes over %j", (line) => {
    expect(parseProgressLine(line)).toBeNull();
  });
});

describe("findNewestProgress", () => {
  it("takes the last line that says something", () => {
    expect(findNewestProgress("10 a\n20 b\nnonsense\n\n")).toEqual({ percent: 20, message: "b" });
  });
  it("takes a last line without its end", () => {
    expect(findNewestProgress("10 a\n20")).toEqual({ percent: 20 });
  });
});

describe("watchProgressFile", () => {
  let directory: string;
  let path: string;
  const seen: ProgressUpdate[] = [];
  const last = (): ProgressUpdate | undefined => seen.at(-1);

  beforeEach(async () => {
    seen.length = 0;
    directory = await mkdtemp(join(tmpdir(), "perdure-progress-"));
    path = join(directory, "progress");
  });
  afterEach(() => rm(directory, { recursive: true }));

  const watching = () =>
    watchProgressFile({ clock: systemClock }, { path, report: (update) => void seen.push(update) });

  it("sees appended lines, overwritten ones of any length, and a replaced file", async () => {
    const file = await watching();
    await appendFile(path, "9 a\n");
    await expect.poll(last).toEqual({ percent: 9, message: "a" });
    await appendFile(path, "10 a\n");
    await expect.poll(last).toEqual({ percent: 10, message: "a" });
    await writeFile(path, "20 a\n");
    await expect.poll(last).toEqual({ percent: 20, message: "a" });
    await writeFile(path, "30 a\n");
    await expect.poll(last).toEqual({ percent: 30, message: "a" });
    await writeFile(join(directory, "other"), "40");
    await rename(join(directory, "other"), path);
    await expect.poll(last).toEqual({ percent: 40 });
    await file.close();
    expect(seen).toHaveLength(5);
  });

  it("reports what was written just before the end", async () => {
    const file = await watching();
    await writeFile(path, "99 nearly");
    await file.close();
    expect(last()).toEqual({ percent: 99, message: "nearly" });
  });

  it("reads only the end of a large file", async () => {
    const file = await watching();
    await writeFile(path, `${"12 x\n".repeat(100_000)}77 y\n`);
    await file.close();
    expect(last()).toEqual({ percent: 77, message: "y" });
  });

  it("does not mind a file that is emptied or removed", async () => {
    const file = await watching();
    await writeFile(path, "5");
    await truncate(path);
    await unlink(path);
    await expect(file.close()).resolves.toBeUndefined();
  });
});
