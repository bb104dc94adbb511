// Builds dist/: declarations by tsc, JavaScript by rolldown, and a copy of the SQL migrations.
//
// What `perdure status` loads is put into one file. As 60 modules it took twice as long to load as Node takes to start;
// all that is loaded later stays in chunks of its own. All entry points share the chunks, so that a class is the same
// class in the library and in the command line.
import { execFileSync } from "node:child_process";
import { cpSync, readFileSync, rmSync } from "node:fs";
import { dirname, resolve } from "node:path";

import { rolldown } from "rolldown";

const SRC = resolve("src");
const STATIC_IMPORT = /^(?:import|export)\s+(?!type\b)[^;]*?from "(\.[^"]+)"/gm;

rmSync("dist", { recursive: true, force: true });
execFileSync("tsc", ["-p", "tsconfig.build.json"], { stdio: "inherit", shell: process.platform === "win32" });

const core = staticClosure(["cli/main.ts", "cli/verbs/status.ts", "operations/status.ts", "app/open-project.ts"]);
// The program itself runs while it is loaded, and what it then loads needs the core: it cannot be part of it.
core.delete(resolve(SRC, "cli/main.ts"));
const bundle = await rolldown({
  input: {
    index: resolve(SRC, "index.ts"),
    "cli/main": resolve(SRC, "cli/main.ts"),
    "mcp/index": resolve(SRC, "mcp/index.ts"),
    "store/postgres/index": resolve(SRC, "store/postgres/index.ts"),
    "testing/index": resolve(SRC, "testing/index.ts"),
  },
  platform: "node",
  external: (id) => !/^[./]/.test(id) && !/^[A-Za-z]:/.test(id),
  // Imports that are lazy in the source and meet in the core are expected.
  checks: { ineffectiveDynamicImport: false },
});
await bundle.write({
  dir: "dist",
  format: "esm",
  chunkFileNames: "chunks/[name]-[hash].js",
  codeSplitting: { groups: [{ name: "core", test: (id) => core.has(id) }] },
});
// Beside the chunks, where the module that reads them now lies.
cpSync("src/store/sqlite/migrations", "dist/chunks/migrations", { recursive: true });
cpSync("src/store/postgres/postgres-schema", "dist/chunks/postgres-schema", { recursive: true });

/** The modules that loading these loads at once. */
function staticClosure(entries) {
  const found = new Set();
  const queue = entries.map((entry) => resolve(SRC, entry));
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (found.has(file)) continue;
    found.add(file);
    for (const [, path] of readFileSync(file, "utf8").matchAll(STATIC_IMPORT)) queue.push(resolve(dirname(file), path));
  }
  return found;
}
