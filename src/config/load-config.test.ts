import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DEFAULT_CONFIG } from "./config.ts";
import { DEFAULT_FILE } from "./default-file.ts";
import { loadConfig } from "./load-config.ts";

let project: string;

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "perdure-config-"));
});

afterEach(() => {
  rmSync(project, { recursive: true, force: true });
});

function write(content: string | Uint8Array): void {
  writeFileSync(join(project, "perdure.yaml"), content);
}

test("a project without a file has the defaults", async () => {
  expect(await loadConfig(project)).toEqual(DEFAULT_CONFIG);
});

test("a file of comments only has the defaults", async () => {
  write(DEFAULT_FILE);

  expect(await loadConfig(project)).toEqual({ ...DEFAULT_CONFIG, file: "perdure.yaml" });
});

test("a file is read, a byte order mark passed over", async () => {
  write("\u{feff}worker: { concurrency: 9 }\r\n");

  expect(await loadConfig(project)).toMatchObject({ file: "perdure.yaml", worker: { concurrency: 9 } });
});

test("a problem names the file, line and column", async () => {
  write("# mine\nwroker: 1\n");

  await expect(loadConfig(project)).rejects.toMatchObject({
    code: "invalid-config",
    message: "perdure.yaml:2:1: unknown key wroker; did you mean worker?",
  });
});

test("text that is not UTF-8 is refused with its line", async () => {
  write(Buffer.concat([Buffer.from("# ä\n# fine\n# "), Buffer.from([0xe4]), Buffer.from("\n# more\n")]));

  await expect(loadConfig(project)).rejects.toMatchObject({
    code: "invalid-config",
    message: expect.stringMatching(/^perdure\.yaml:3:1: .*UTF-8/),
  });
});

test("a file over 1 MiB is refused", async () => {
  write(`# ${"x".repeat(1 << 20)}`);

  await expect(loadConfig(project)).rejects.toMatchObject({
    code: "invalid-config",
    message: expect.stringMatching(/1048578 bytes/),
  });
});

test("a directory of that name is refused", async () => {
  mkdirSync(join(project, "perdure.yaml"));

  await expect(loadConfig(project)).rejects.toMatchObject({
    code: "invalid-config",
    message: expect.stringMatching(/cannot be read/),
  });
});
