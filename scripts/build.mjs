// Compiles src/ to dist/ and copies the SQL migrations, which tsc leaves alone.
import { execFileSync } from "node:child_process";
import { cpSync, rmSync } from "node:fs";

rmSync("dist", { recursive: true, force: true });
execFileSync("tsc", ["-p", "tsconfig.build.json"], { stdio: "inherit", shell: process.platform === "win32" });
cpSync("src/store/sqlite/migrations", "dist/store/sqlite/migrations", { recursive: true });
