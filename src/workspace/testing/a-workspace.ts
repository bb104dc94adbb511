/** A temporary project directory with its snapshots, for tests. */

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { onTestFinished } from "vitest";

import { seededRandom } from "../../base/random.ts";
import type { FakeClock } from "../../testing/fake-clock.ts";
import { fakeClock } from "../../testing/fake-clock.ts";
import type { Workspace, WorkspaceLimits } from "../workspace.ts";
import { openWorkspace } from "../workspace.ts";

interface TestWorkspace {
  readonly dir: string;
  readonly workspace: Workspace;
  readonly clock: FakeClock;
  write(path: string, content: string | Uint8Array, mode?: number): void;
  /** The user's git, in the directory. */
  git(...args: readonly string[]): string;
}

const LIMITS: WorkspaceLimits = { files: 1_000, fileBytes: 1 << 20, totalBytes: 4 << 20 };

interface Options {
  readonly limits?: Partial<WorkspaceLimits>;
  /** Below the temporary directory. */
  readonly inside?: string;
  readonly alwaysExcluded?: readonly string[];
}

/** Removed when the test ends. */
export function aWorkspace({ limits = {}, inside = "project", alwaysExcluded = [] }: Options = {}): TestWorkspace {
  const top = mkdtempSync(join(tmpdir(), "perdure-workspace-"));
  onTestFinished(() => rmSync(top, { recursive: true, force: true }));
  const dir = join(top, inside);
  mkdirSync(dir, { recursive: true });
  const clock = fakeClock();
  const options = { projectDir: dir, limits: { ...LIMITS, ...limits }, alwaysExcluded };
  return {
    dir,
    clock,
    workspace: openWorkspace({ clock, random: seededRandom(1) }, options),
    write(path, content, mode = 0o644) {
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      writeFileSync(join(dir, path), content, { mode });
    },
    git: (...args) => execFileSync("git", args, { cwd: dir, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }),
  };
}
