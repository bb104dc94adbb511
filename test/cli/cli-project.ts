/** A temporary project, and the real command line run in it as a process. */

import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { afterEach, beforeEach, expect } from "vitest";

const MAIN = resolve(import.meta.dirname, "../../src/cli/main.ts");

export interface Finished {
  /** `null` when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliProject {
  readonly dir: string;
  write(file: string, content: string | Uint8Array): string;
  read(file: string): string;
  has(file: string): boolean;
  /** Every file in the project, but those of the database. */
  files(): readonly string[];
  run(...words: readonly string[]): Promise<Finished>;
  /** What it printed, where it has to end with 0 and complain of nothing. */
  ok(...words: readonly string[]): Promise<string>;
  /** The `data` of `--json`. @throws when it ended with anything but 0 */
  json(...words: readonly string[]): Promise<unknown>;
  start(words: readonly string[], options?: { readonly env?: Readonly<Record<string, string>> }): RunningCli;
  remove(): void;
}

export interface RunningCli {
  readonly process: ChildProcessWithoutNullStreams;
  readonly finished: Promise<Finished>;
  /** Resolves once stdout and stderr together hold this. */
  says(text: string): Promise<void>;
}

/** A new one for each test of the file or suite that calls this. */
export function useCliProject(): CliProject {
  let dir = "";
  beforeEach(() => {
    dir = newDirectory();
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));
  return cliProjectIn(() => dir);
}

/** One that the test itself removes. */
export function createCliProject(): CliProject {
  const dir = newDirectory();
  return cliProjectIn(() => dir);
}

function newDirectory(): string {
  return mkdtempSync(join(tmpdir(), "perdure-cli-"));
}

function cliProjectIn(dir: () => string): CliProject {
  const start: CliProject["start"] = (words, options) => startCli(words, { dir: dir(), env: options?.env ?? {} });
  const run = (...words: readonly string[]): Promise<Finished> => start(words).finished;
  return {
    get dir() {
      return dir();
    },
    write(file, content) {
      const path = join(dir(), file);
      writeFileSync(path, content);
      return path;
    },
    read: (file) => readFileSync(join(dir(), file), "utf8"),
    has: (file) => existsSync(join(dir(), file)),
    files: () =>
      readdirSync(dir(), { recursive: true, encoding: "utf8" })
        .filter((file) => !file.includes("perdure.db"))
        .toSorted(),
    run,
    async ok(...words) {
      const { code, stdout, stderr } = await run(...words);
      expect([words, code, stderr]).toEqual([words, 0, ""]);
      return stdout;
    },
    async json(...words) {
      const { code, stdout, stderr } = await run(...words, "--json");
      if (code !== 0) throw new Error(`perdure ${words.join(" ")} ended with ${code}: ${stderr}`);
      const document: { readonly data?: unknown } = JSON.parse(stdout);
      return document.data;
    },
    start,
    remove: () => rmSync(dir(), { recursive: true, force: true }),
  };
}

function startCli(
  words: readonly string[],
  { dir, env }: { readonly dir: string; readonly env: Readonly<Record<string, string>> },
): RunningCli {
  const child = spawn(process.execPath, [MAIN, ...words], { cwd: dir, env: { ...process.env, NO_COLOR: "", ...env } });
  let stdout = "";
  let stderr = "";
  const listeners = new Set<() => void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    for (const listener of listeners) listener();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    for (const listener of listeners) listener();
  });
  const finished = new Promise<Finished>((resolveFinished, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolveFinished({ code, stdout, stderr }));
  });
  return {
    process: child,
    finished,
    async says(text) {
      const isSaid = (): boolean => (stdout + stderr).includes(text);
      const said = new Promise<void>((resolveSaid) => {
        const listener = (): void => {
          if (!isSaid()) return;
          listeners.delete(listener);
          resolveSaid();
        };
        listeners.add(listener);
        listener();
      });
      const ended = finished.then(({ code }) => {
        if (!isSaid()) throw new Error(`ended with ${code} and never said ${text}:\n${stdout}\n${stderr}`);
      });
      await Promise.race([said, ended]);
    },
  };
}
