/** Rules of the repository that no compiler checks: who may import whom, and what code must not contain. */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const SRC = resolve(import.meta.dirname, "../src");

/** The layer table. A folder may import itself and the folders it lists; arrows never point up. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  domain: ["base"],
  store: ["base", "domain"],
  "store/sqlite": ["base", "domain", "store"],
  "store/jsonl": ["base", "domain", "store", "store/sqlite", "trail"],
  context: ["base", "domain", "store"],
  memory: ["base", "domain", "store", "context"],
  workspace: ["base", "domain"],
  trail: ["base", "domain", "store"],
  repair: ["base", "domain", "store", "store/sqlite", "trail"],
  replication: ["base", "domain", "store", "config", "trail"],
  config: ["base", "domain"],
  plans: ["base", "domain"],
  engine: ["base", "domain", "store"],
  executors: ["base", "domain", "store", "engine"],
  operations: [
    "base",
    "domain",
    "store",
    "config",
    "plans",
    "context",
    "memory",
    "workspace",
    "trail",
    "repair",
    "replication",
    "engine",
    "executors",
  ],
  app: [
    "base",
    "domain",
    "store",
    "store/sqlite",
    "store/jsonl",
    "config",
    "plans",
    "context",
    "memory",
    "workspace",
    "trail",
    "repair",
    "replication",
    "engine",
    "executors",
    "operations",
  ],
  mcp: ["base", "domain", "config", "context", "operations", "app"],
  cli: ["base", "domain", "config", "operations", "app", "mcp"],
  testing: ["base", "domain", "store", "store/sqlite", "engine", "executors"],
};

/** Entry points of the package: they import what they export. */
const ENTRY_POINTS = new Set(["index.ts", "testing/index.ts"]);

const files = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .map((file) => file.replaceAll("\\", "/"));
const isTest = (file: string): boolean => file.endsWith(".test.ts") || /(^|\/)testing\//.test(file);
const sources = files.filter((file) => !isTest(file));

function layerOf(file: string): string {
  if (file.startsWith("store/sqlite/")) return "store/sqlite";
  if (file.startsWith("store/jsonl/")) return "store/jsonl";
  return file.split("/")[0] ?? "";
}

function importsOf(file: string): readonly string[] {
  const text = readFileSync(join(SRC, file), "utf8");
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)].map(([, path = ""]) =>
    relative(SRC, resolve(SRC, dirname(file), path)).replaceAll("\\", "/"),
  );
}

/** A file without its comments. */
function codeOf(file: string): string {
  return readFileSync(join(SRC, file), "utf8").replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, "");
}

describe("layers", () => {
  test("every folder stands in the table", () => {
    const folders = new Set(files.filter((file) => file.includes("/")).map(layerOf));
    expect([...folders].filter((folder) => LAYERS[folder] === undefined)).toEqual([]);
  });

  test("arrows never point up", () => {
    const breaches = sources
      .filter((file) => !ENTRY_POINTS.has(file))
      .flatMap((file) =>
        importsOf(file)
          .filter((target) => {
            const [from, to] = [layerOf(file), layerOf(target)];
            return from !== to && !LAYERS[from]?.includes(to);
          })
          .map((target) => `${file} imports ${target}`),
      );
    expect(breaches).toEqual([]);
  });

  test("only app constructs adapters", () => {
    const drivers = sources.filter((file) =>
      importsOf(file).some((target) => target === "store/sqlite/sqlite-store.ts"),
    );
    // The jsonl driver keeps its state in the one in memory.
    expect(drivers.filter((file) => !/^(app|store\/sqlite|store\/jsonl)\//.test(file))).toEqual([]);
  });

  test("time and chance come in from outside (INV-10)", () => {
    // Where the system's clock and chance are wrapped, and names of temporary files, which decide nothing.
    const allowed = /^base\/(clock|random)\.ts$/;
    const readers = sources.filter(
      (file) => !allowed.test(file) && /\bDate\.now\(\)|Math\.random\(\)|\bnew Date\(\)/.test(codeOf(file)),
    );
    expect(readers).toEqual([]);
  });
});

describe("code", () => {
  const offences = (pattern: RegExp): readonly string[] => sources.filter((file) => pattern.test(codeOf(file)));

  test("has no any, no enum and no suppressed checks", () => {
    expect(
      offences(/\bas any\b|: any\b|^\s*(export )?(const )?enum |@ts-ignore|@ts-expect-error|oxlint-disable/m),
    ).toEqual([]);
  });

  test("selects columns by name", () => {
    expect(offences(/\bselect \*/i)).toEqual([]);
  });

  test("has no file over 400 lines", () => {
    expect(sources.filter((file) => readFileSync(join(SRC, file), "utf8").split("\n").length > 400)).toEqual([]);
  });

  test("has no rooms without a name", () => {
    expect(files.filter((file) => /(^|\/)(utils?|helpers?|types|common|misc)\.ts$/.test(file))).toEqual([]);
  });

  test("begins every file with what it owns", () => {
    expect(
      sources.filter(
        (file) =>
          !readFileSync(join(SRC, file), "utf8").trimStart().startsWith("/**") &&
          !readFileSync(join(SRC, file), "utf8").startsWith("#!"),
      ),
    ).toEqual([]);
  });
});
