import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { compressClosedMonths } from "./journal-closing.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "perdure-closing-"));
  writeFileSync(join(directory, "2026-10.jsonl"), "october\n");
  writeFileSync(join(directory, "2026-11.jsonl"), "november\n");
});
afterEach(() => rmSync(directory, { recursive: true }));

const names = (): readonly string[] => readdirSync(directory).toSorted();
const october = (): string => gunzipSync(readFileSync(join(directory, "2026-10.jsonl.gz"))).toString();

describe("compressClosedMonths", () => {
  it("compresses all months but the newest, once", async () => {
    await compressClosedMonths(directory);
    await compressClosedMonths(directory);
    expect(names()).toEqual(["2026-10.jsonl.gz", "2026-11.jsonl"]);
    expect(october()).toBe("october\n");
  });

  it("goes on where a crash left both files, or half of one", async () => {
    writeFileSync(join(directory, "2026-10.jsonl.gz.tmp"), "half");
    writeFileSync(join(directory, "2026-10.jsonl.gz"), gzipSync("october\n"));
    await compressClosedMonths(directory);
    expect(names()).toEqual(["2026-10.jsonl.gz", "2026-10.jsonl.gz.tmp", "2026-11.jsonl"]);
  });

  it("replaces a compressed file that is damaged", async () => {
    writeFileSync(join(directory, "2026-10.jsonl.gz"), gzipSync("october\n").subarray(0, 12));
    await compressClosedMonths(directory);
    expect(october()).toBe("october\n");
    expect(names()).not.toContain("2026-10.jsonl");
  });

  it("keeps both where they differ", async () => {
    writeFileSync(join(directory, "2026-10.jsonl.gz"), gzipSync("octobre\n"));
    await compressClosedMonths(directory);
    expect(names()).toEqual(["2026-10.jsonl", "2026-10.jsonl.gz", "2026-11.jsonl"]);
    expect(october()).toBe("octobre\n");
  });
});
