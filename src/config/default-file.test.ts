import { expect, test } from "vitest";
import { DEFAULT_CONFIG } from "./config.ts";
import { DEFAULT_FILE } from "./default-file.ts";
import { FILE_SCHEMA } from "./file-schema.ts";
import { parseConfig } from "./parse-config.ts";
import type { KeyedSchema } from "./unknown-keys.ts";

const uncommented = DEFAULT_FILE.replaceAll(/^# /gm, "");

function keysOf(schema: KeyedSchema): readonly string[] {
  const below = Object.values(schema.entries ?? {}).flatMap(keysOf);
  const inside = [schema.wrapped, schema.item].flatMap((inner) => (inner === undefined ? [] : keysOf(inner)));
  return [...Object.keys(schema.entries ?? {}), ...below, ...inside];
}

test("the file as written says the defaults", () => {
  expect(parseConfig(DEFAULT_FILE, "perdure.yaml")).toEqual({ ...DEFAULT_CONFIG, file: "perdure.yaml" });
});

test("with every setting uncommented it still says the defaults", () => {
  expect(uncommented).toMatch(/^worker:$/m);
  expect(parseConfig(uncommented, "perdure.yaml")).toEqual({ ...DEFAULT_CONFIG, file: "perdure.yaml" });
});

test("every line is a comment or blank", () => {
  for (const line of DEFAULT_FILE.split("\n")) expect(line).toMatch(/^(#.*)?$/);
});

test("its example of agents loads", () => {
  const example = DEFAULT_FILE.slice(DEFAULT_FILE.indexOf("## agents:"))
    .replaceAll(/^## /gm, "")
    .replaceAll(/ {3,}(planner or|the supervisor's|agents it|as worker).*$/gm, "");

  expect(parseConfig(example, "perdure.yaml").agents.map((agent) => agent.name)).toEqual(["planner", "executor"]);
});

test.each(keysOf(FILE_SCHEMA))("names the setting %s", (key) => {
  expect(DEFAULT_FILE).toMatch(new RegExp(`\\b${key}:`));
});
