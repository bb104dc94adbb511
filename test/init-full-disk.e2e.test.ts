import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { expect, it } from "vitest";

const INIT = resolve(import.meta.dirname, "../src/operations/init.ts");

// A limit on the size of files stands in for a full disk; Windows has none.
it.skipIf(process.platform === "win32")("init leaves no empty perdure.yaml behind on a full disk", async () => {
  const dir = mkdtempSync(join(tmpdir(), "perdure-init-"));
  mkdirSync(join(dir, ".perdure"));
  const code = `const { init } = await import(${JSON.stringify(INIT)});
    await init.run({ projectDir: ${JSON.stringify(dir)} }, { agents: false }).then(
      () => process.exit(0), (error) => process.exit(error.code === "store-unreachable" ? 3 : 4));`;
  // Of 512 bytes, as POSIX counts blocks: enough for .gitignore, not for perdure.yaml.
  const args = ["-c", `ulimit -f 1; exec "$@"`, "sh", process.execPath, "--input-type=module", "-e", code];
  const [exit] = (await once(spawn("sh", args, { stdio: "inherit" }), "close")) as [number | null];
  expect(exit).toBe(3);
  expect(readdirSync(dir)).toEqual([".perdure"]);
  rmSync(dir, { recursive: true });
});
