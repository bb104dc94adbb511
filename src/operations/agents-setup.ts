/** Sets up the coding agents of a project: all of their settings, or none where one of them cannot be read. */

import { lstat, mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";

import * as v from "valibot";

import { messageOf, PerdureError } from "../base/errors.ts";
import { agentSettings } from "./agents/agent-settings.ts";
import type { ProgramCall, SettingsFile } from "./agents/settings-file.ts";
import { defineOperation } from "./operation.ts";

const changeSchema = v.object({
  /** Relative to the project. */
  path: v.string(),
  change: v.picklist(["created", "changed", "removed", "unchanged"]),
  added: v.array(v.string()),
  removed: v.array(v.string()),
});

export const agentsSetup = defineOperation({
  name: "agents-setup",
  summary:
    "Writes the MCP entries, hooks and instructions for Claude Code, Codex and Gemini CLI, or takes them out again.",
  input: v.object({
    undo: v.optional(v.boolean(), false),
    /** Only say what would be changed. */
    dryRun: v.optional(v.boolean(), false),
    /** `perdure` is found by its name, whoever starts it. */
    onPath: v.optional(v.boolean(), true),
  }),
  output: v.object({ projectDir: v.string(), changes: v.array(changeSchema) }),
  async run({ projectDir }, { undo, dryRun, onPath }) {
    const known = await readUndo(projectDir);
    const changes: Change[] = [];
    // Everything is worked out before anything is written.
    for (const file of agentSettings(await programCall(projectDir, onPath))) {
      const before = await readIfThere(join(projectDir, file.path));
      changes.push({ file, before, after: undo ? without(file, before, known) : file.add(before) });
    }
    if (!dryRun) await writeAll(projectDir, changes, { undo, known });
    return { projectDir, changes: changes.map(toJson) };
  },
});

interface Change {
  readonly file: SettingsFile;
  /** `null` where there is no file. */
  readonly before: string | null;
  readonly after: string | null;
}

/** What files were before we wrote them, and what we made of them: as long as they are that, undoing is exact. */
const undoSchema = v.record(v.string(), v.object({ before: v.nullable(v.string()), after: v.string() }));
type Undo = v.InferOutput<typeof undoSchema>;

const undoPath = (projectDir: string): string => join(projectDir, ".perdure", "agents-undo.json");

async function readUndo(projectDir: string): Promise<Undo> {
  const text = await readIfThere(undoPath(projectDir));
  const found = v.safeParse(v.pipe(v.string(), v.parseJson(), undoSchema), text ?? "{}");
  // Without it entries are taken out one by one.
  return found.success ? found.output : {};
}

function without(file: SettingsFile, before: string | null, known: Undo): string | null {
  if (before === null) return null;
  const written = known[file.path];
  if (written?.after === before) return written.before;
  // However the program was started when they were written.
  const ours = PROGRAM_CALLS.flatMap((call) => agentSettings(call).filter(({ path }) => path === file.path));
  return ours.reduce<string | null>((left, each) => (left === null ? null : each.remove(left)), before);
}

const INSTALLED: ProgramCall = { command: "perdure", args: [] };
const OF_PROJECT: ProgramCall = { command: "npx", args: ["perdure"] };
const FETCHED: ProgramCall = { command: "npx", args: ["-y", "perdure"] };
const PROGRAM_CALLS = [INSTALLED, OF_PROJECT, FETCHED];

async function programCall(projectDir: string, onPath: boolean): Promise<ProgramCall> {
  const text = await readIfThere(join(projectDir, "package.json"));
  const dependsOnUs = text !== null && /"perdure"\s*:\s*"/.test(text);
  if (dependsOnUs) return OF_PROJECT;
  return onPath ? INSTALLED : FETCHED;
}

interface WriteOptions {
  readonly undo: boolean;
  readonly known: Undo;
}

async function writeAll(projectDir: string, changes: readonly Change[], { undo, known }: WriteOptions): Promise<void> {
  const record: Undo = { ...known };
  for (const { file, before, after } of changes) {
    if (undo) delete record[file.path];
    // What was there before us counts, also when we write a second time.
    else if (after !== null && after !== before)
      record[file.path] = { before: known[file.path]?.before ?? before, after };
  }
  // Before the files, so that one that is written can always be undone.
  if (!undo) await writeWhole(undoPath(projectDir), JSON.stringify(record));
  for (const { file, before, after } of changes) {
    const path = join(projectDir, file.path);
    if (after === before) continue;
    if (after === null) await removeWithFolders(projectDir, path);
    else await writeWhole(path, after);
  }
  if (undo) await rm(undoPath(projectDir), { force: true });
}

/** Under its name only once it is whole. */
async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(temporary, text, { flush: true });
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    throw new PerdureError("store-unreachable", {
      message: `${path} cannot be written: ${messageOf(cause)}`,
      hint: "Check that it may be written to and the disk is not full; `perdure init --agents` again finishes.",
      details: { path },
      cause,
    });
  }
}

/** And the folders that have become empty by it. */
async function removeWithFolders(projectDir: string, path: string): Promise<void> {
  await rm(path, { force: true });
  for (let folder = dirname(path); relative(projectDir, folder) !== ""; folder = dirname(folder)) {
    if ((await readdir(folder)).length > 0) return;
    await rmdir(folder);
  }
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    if (!(await lstat(path)).isFile()) throw new Error("it is no file");
    return await readFile(path, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return null;
    throw new PerdureError("invalid-config", {
      message: `${path} cannot be read: ${messageOf(cause)}`,
      hint: "It must be a file that may be read; nothing was changed.",
      details: { path },
      cause,
    });
  }
}

function toJson({ file, before, after }: Change): v.InferInput<typeof changeSchema> {
  const [old, now] = [linesOf(before), linesOf(after)];
  return {
    path: file.path,
    change: before === after ? "unchanged" : before === null ? "created" : after === null ? "removed" : "changed",
    added: missingFrom(old, now),
    removed: missingFrom(now, old),
  };
}

function linesOf(text: string | null): readonly string[] {
  return text === null ? [] : text.split("\n").filter((line) => line.trim() !== "");
}

/** The lines of `lines` that `others` has not, as often as they stand there. */
function missingFrom(others: readonly string[], lines: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const line of others) left.set(line, (left.get(line) ?? 0) + 1);
  return lines.filter((line) => {
    const count = left.get(line) ?? 0;
    if (count > 0) left.set(line, count - 1);
    return count === 0;
  });
}
