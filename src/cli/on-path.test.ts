import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import { afterAll, expect, test } from "vitest";

import { isOnPath } from "./on-path.ts";

const scratch = mkdtempSync(join(tmpdir(), "perdure-path-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function folderWith(name: string, mode: number): string {
  const folder = join(scratch, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "perdure"), "#!/bin/sh\n");
  chmodSync(join(folder, "perdure"), mode);
  return folder;
}

test("a program is on the path where a folder of it has one that may be run", () => {
  const PATH = [join(scratch, "none"), folderWith("bin", 0o755)].join(delimiter);
  expect(isOnPath("perdure", { PATH })).toBe(true);
  expect(isOnPath("other", { PATH })).toBe(false);
  expect(isOnPath("perdure", {})).toBe(false);
});

test("what npm or npx put there for the time of a run does not count", () => {
  expect(isOnPath("perdure", { PATH: folderWith("_npx/1/node_modules/.bin", 0o755) })).toBe(false);
});
