import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findProjectDir } from "./find-project.ts";

let root: string;
let deep: string;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "perdure-find-")));
  deep = join(root, "a", "b", "c");
  mkdirSync(deep, { recursive: true });
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

test("is the nearest parent with .perdure/", () => {
  mkdirSync(join(root, ".perdure"));
  mkdirSync(join(root, "a", ".perdure"));

  expect(findProjectDir(deep)).toBe(join(root, "a"));
});

test("is the nearest parent with perdure.yaml", () => {
  mkdirSync(join(root, ".perdure"));
  writeFileSync(join(root, "a", "b", "perdure.yaml"), "");

  expect(findProjectDir(deep)).toBe(join(root, "a", "b"));
});

test("is the directory itself when it is one", () => {
  writeFileSync(join(deep, "perdure.yaml"), "");

  expect(findProjectDir(deep)).toBe(deep);
});

test("is where it began when nothing is found", () => {
  expect(findProjectDir(deep)).toBe(deep);
});

test("passes over a file named .perdure and a directory named perdure.yaml", () => {
  mkdirSync(join(root, ".perdure"));
  writeFileSync(join(deep, ".perdure"), "");
  mkdirSync(join(root, "a", "perdure.yaml"));

  expect(findProjectDir(deep)).toBe(root);
});

test("takes a relative path and gives an absolute one", () => {
  mkdirSync(join(root, ".perdure"));

  expect(findProjectDir(relative(process.cwd(), deep))).toBe(root);
});
