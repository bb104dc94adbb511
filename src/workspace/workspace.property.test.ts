import { chmodSync, lstatSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { seededRandom } from "../base/random.ts";
import { fakeClock } from "../testing/fake-clock.ts";
import { fileState } from "./testing/file-state.ts";
import { openWorkspace } from "./workspace.ts";

const NAMES = ["a", "b", "-rf", "new\nline", 'quo"te', "ünï", "sp ace", "*", "[x]", "\\", "__proto__", "A", ".hidden"];
const LIMITS = { files: 1_000, fileBytes: 1 << 20, totalBytes: 4 << 20 };

type Act =
  | { readonly kind: "write"; readonly path: string; readonly content: string; readonly mode: number }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  | { readonly kind: "remove"; readonly path: string }
  | { readonly kind: "mode"; readonly path: string; readonly mode: number }
  | { readonly kind: "rename"; readonly path: string; readonly to: string };

const aName = fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...NAMES) }, fc.constantFrom("x.ignored", "y.ignored"));
const aPath = fc.array(aName, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
const aMode = fc.constantFrom(0o644, 0o755, 0o600, 0o444, 0o640, 0o500);
const aContent = fc.constantFrom("", "one\n", "two\r\n", "$Id$\n", "\u0000binary\u0001", "long ".repeat(2_000));
const anAct: fc.Arbitrary<Act> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("write"), path: aPath, content: aContent, mode: aMode }) },
  fc.record({ kind: fc.constant("link"), path: aPath, target: fc.oneof(aPath, fc.constant("/nowhere")) }),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("remove"), path: aPath }) },
  fc.record({ kind: fc.constant("mode"), path: aPath, mode: aMode }),
  fc.record({ kind: fc.constant("rename"), path: aPath, to: aPath }),
);

/** Whatever is in the way of a path gives way, so that files become directories and the other way round. */
function makeWay(dir: string, path: string): void {
  const parts = path.split("/");
  for (let depth = 1; depth < parts.length; depth++) {
    const parent = join(dir, ...parts.slice(0, depth));
    if (lstatSync(parent, { throwIfNoEntry: false })?.isDirectory() === false) rmSync(parent);
  }
  rmSync(join(dir, path), { recursive: true, force: true });
  mkdirSync(dirname(join(dir, path)), { recursive: true });
}

function perform(dir: string, act: Act): void {
  const path = join(dir, act.path);
  const found = isReachable(dir, act.path) ? lstatSync(path, { throwIfNoEntry: false }) : undefined;
  if (act.kind === "write") {
    makeWay(dir, act.path);
    writeFileSync(path, act.content);
    chmodSync(path, act.mode);
  } else if (act.kind === "link") {
    makeWay(dir, act.path);
    symlinkSync(act.target, path);
  } else if (found === undefined) {
    return;
  } else if (act.kind === "remove") {
    rmSync(path, { recursive: true });
  } else if (act.kind === "mode") {
    if (found.isFile()) chmodSync(path, act.mode);
  } else if (!act.to.startsWith(`${act.path}/`) && !act.path.startsWith(`${act.to}/`) && act.to !== act.path) {
    makeWay(dir, act.to);
    if (isReachable(dir, act.path) && lstatSync(path, { throwIfNoEntry: false })) renameSync(path, join(dir, act.to));
  }
}

/** Not by way of a link. */
function isReachable(dir: string, path: string): boolean {
  const parts = path.split("/").slice(0, -1);
  return parts.every((_, index) =>
    lstatSync(join(dir, ...parts.slice(0, index + 1)), { throwIfNoEntry: false })?.isDirectory(),
  );
}

const isIgnored = ([path]: readonly [string, string]): boolean =>
  path.split("/").some((name) => name.endsWith(".ignored"));
const keptOf = (dir: string) => Object.entries(fileState(dir)).filter((entry) => !isIgnored(entry));
const ignoredOf = (dir: string) => Object.entries(fileState(dir)).filter(isIgnored);

describe("restore", () => {
  // A failure prints its seed and the shortest sequence found.
  it("brings back any tree exactly, leaves what is ignored alone, and is undone by restoring the snapshot before", async () => {
    const acts = fc.array(anAct, { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(acts, acts, async (making, mutating) => {
        const dir = mkdtempSync(join(tmpdir(), "perdure-workspace-"));
        try {
          const deps = { clock: fakeClock(), random: seededRandom(1) };
          const workspace = openWorkspace(deps, { projectDir: dir, limits: LIMITS, alwaysExcluded: [] });
          writeFileSync(join(dir, ".gitignore"), "*.ignored\n");
          writeFileSync(
            join(dir, ".gitattributes"),
            "* text=auto eol=crlf ident filter=none working-tree-encoding=UTF-16\n",
          );
          for (const act of making) perform(dir, act);
          const original = keptOf(dir);
          const { commit, files } = await workspace.take({ label: "original" });
          expect(files).toBe(original.length);
          for (const act of mutating) perform(dir, act);
          const mutated = keptOf(dir);
          const ignored = ignoredOf(dir);
          const restored = await workspace.restore(commit).catch((error: unknown) => {
            if (error instanceof Error && error.message.includes("belongs to no snapshot")) return null;
            throw error;
          });
          if (restored === null) {
            expect(keptOf(dir)).toEqual(mutated);
            return;
          }
          expect(keptOf(dir)).toEqual(original);
          const blocked = ignored.filter((entry) => !ignoredOf(dir).some(([path]) => path === entry[0]));
          for (const [path] of blocked) expect(original.some(([kept]) => kept.startsWith(`${path}/`))).toBe(true);
          await workspace.restore(restored.before);
          expect(keptOf(dir)).toEqual(mutated);
          expect(ignoredOf(dir)).toEqual(ignored);
        } finally {
          rmSync(dir, { recursive: true, force: true });
        }
      }),
      { numRuns: 30, interruptAfterTimeLimit: 10_000 },
    );
  }, 40_000);
});
