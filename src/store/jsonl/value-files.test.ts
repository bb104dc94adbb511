import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { seededRandom } from "../../base/random.ts";
import { sha256 } from "../../base/sha256.ts";
import { valueFiles } from "./value-files.ts";

test("a value whose file was damaged is there again once it is put again", () => {
  const directory = mkdtempSync(join(tmpdir(), "perdure-values-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const values = valueFiles({ directory, random: seededRandom(1) });
  const text = "what is to be kept";
  const hash = sha256().update(text).digest("hex");
  values.put(hash, text);
  writeFileSync(join(directory, hash.slice(0, 2), hash), "what is to be kep");
  expect(values.find(hash)).toBeNull();
  values.put(hash, text);
  expect(values.find(hash)).toBe(text);
});
