/**
 * Runs git on the shadow repository, cut off from everything else git would look at: the user's settings, environment,
 * hooks and repository. Paths go in and out as bytes ending in NUL, here as `latin1` strings, so that any name survives.
 */

import { spawn } from "node:child_process";
import { devNull } from "node:os";

import { PerdureError } from "../base/errors.ts";

export interface Git {
  /** Standard output, byte for byte. @throws GitFailure when git ends with anything but 0 */
  run(args: readonly string[], options?: GitRun): Promise<Buffer>;
}

interface GitRun {
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  /** The output is not wanted: only whether it could be made. */
  readonly isOutputDropped?: boolean;
}

export interface GitPlaces {
  /** Of the shadow repository. */
  readonly gitDir: string;
  readonly workTree: string;
  /** Where git runs; paths are relative to it. */
  readonly directory: string;
}

/** What git said when it would not. */
export class GitFailure extends Error {
  override readonly name = "GitFailure";
  readonly said: string;

  constructor(args: readonly string[], said: string) {
    super(`git ${args.find((arg) => !arg.startsWith("-")) ?? ""} failed: ${said}`);
    this.said = said;
  }
}

const SETTINGS = [
  `core.hooksPath=${devNull}`,
  "core.fsmonitor=false",
  `core.excludesFile=${devNull}`,
  `core.attributesFile=${devNull}`,
  "core.untrackedCache=false",
  "core.autocrlf=false",
  "core.quotePath=false",
  "core.protectNTFS=false",
  "core.fsync=loose-object,pack,pack-metadata,reference",
  "core.fsyncMethod=batch",
  "gc.auto=0",
  "maintenance.auto=false",
  "advice.detachedHead=false",
].flatMap((setting) => ["-c", setting]);

export function gitAt({ gitDir, workTree, directory }: GitPlaces): Git {
  const base = isolatedEnvironment({ GIT_DIR: gitDir, GIT_WORK_TREE: workTree });
  return {
    run: (args, options = {}) =>
      new Promise((resolve, reject) => {
        const child = spawn("git", [...SETTINGS, ...args], {
          cwd: directory,
          env: { ...base, ...options.env },
          stdio: ["pipe", "pipe", "pipe"],
          windowsHide: true,
        });
        const output: Buffer[] = [];
        let said = "";
        child.once("error", (error) => reject(startError(error)));
        child.stdout.on("data", (chunk: Buffer) => {
          if (options.isOutputDropped !== true) output.push(chunk);
        });
        child.stderr.on("data", (chunk: Buffer) => {
          if (said.length < 4_000) said += chunk.toString();
        });
        child.once("close", (code) => {
          if (code === 0) resolve(Buffer.concat(output));
          else reject(new GitFailure(args, said.trim() || `it ended with ${code}`));
        });
        // A git that ends early closes its input; what it said then tells more than the broken pipe.
        child.stdin.on("error", () => {});
        child.stdin.end(options.input ?? "");
      }),
  };
}

/** This process's environment without anything that steers git. */
function isolatedEnvironment(own: Readonly<Record<string, string>>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !name.toUpperCase().startsWith("GIT_")) kept[name] = value;
  }
  return {
    ...kept,
    LC_ALL: "C",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_SYSTEM: devNull,
    GIT_CONFIG_GLOBAL: devNull,
    GIT_ATTR_NOSYSTEM: "1",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_TERMINAL_PROMPT: "0",
    ...own,
  };
}

function startError(error: Error): unknown {
  if (!("code" in error) || error.code !== "ENOENT") return error;
  return new PerdureError("unsupported", {
    message: "Snapshots of the workspace need git, and no git was found",
    hint: "Install git, or do without workspace snapshots; everything else works.",
    cause: error,
  });
}

/** The parts of NUL-ended output. */
export function splitNul(output: Buffer): readonly string[] {
  return output.toString("latin1").split("\0").slice(0, -1);
}

/** A path as git gives it, for `node:fs`. */
export function pathBytes(path: string): Buffer {
  return Buffer.from(path, "latin1");
}

/** A path as git gives it, for people. */
export function pathText(path: string): string {
  return pathBytes(path).toString("utf8");
}
