/** Installs what the MCP server is tested with, once, and runs it. */

import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const DIRECTORY = import.meta.dirname;
const LOCK = "package-lock.json";
/** npm's own record of what it installed. */
const INSTALLED = "node_modules/.package-lock.json";

export const CONFORMANCE = join(DIRECTORY, "node_modules/@modelcontextprotocol/conformance/dist/index.js");
export const INSPECTOR = join(
  DIRECTORY,
  "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js",
);

/** Takes half a minute the first time, and nothing after that. */
export async function installPeers(): Promise<void> {
  if (isInstalled()) return;
  const options = ["--ignore-scripts", "--no-audit", "--no-fund"];
  const { code, output } = await run("npm", ["--prefix", DIRECTORY, "ci", ...options], { timeoutMs: 300_000 });
  if (code !== 0) throw new Error(`npm ci in ${DIRECTORY} failed:\n${output}`);
}

function isInstalled(): boolean {
  if (!existsSync(join(DIRECTORY, INSTALLED))) return false;
  return versionsIn(LOCK) === versionsIn(INSTALLED);
}

/** The version of each of the two packages we call; what they need follows from these. */
function versionsIn(file: string): string {
  const lock = JSON.parse(readFileSync(join(DIRECTORY, file), "utf8")) as {
    readonly packages: Readonly<Record<string, { readonly version?: string }>>;
  };
  const names = ["conformance", "inspector"];
  return names.map((name) => lock.packages[`node_modules/@modelcontextprotocol/${name}`]?.version).join(" ");
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  /** Both streams. */
  readonly output: string;
}

export async function run(
  command: string,
  args: readonly string[],
  { timeoutMs, cwd }: { readonly timeoutMs: number; readonly cwd?: string },
): Promise<Ran> {
  return await new Promise((resolve) => {
    execFile(
      command,
      args,
      { timeout: timeoutMs, maxBuffer: 64 << 20, ...(cwd === undefined ? {} : { cwd }) },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
        resolve({ code, stdout, output: `${stdout}\n${stderr}` });
      },
    );
  });
}
