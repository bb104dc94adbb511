/** Entries go into whatever settings there are, once, and come out again. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { agentSettings } from "./agent-settings.ts";

const FILES = agentSettings({ command: "perdure", args: [] });
const JSON_FILES = FILES.filter(({ path }) => path.endsWith(".json"));

const key = fc.oneof(fc.string({ minLength: 1, maxLength: 8 }), fc.constantFrom("theme", "env", "permissions"));
const handler = fc.record({ type: fc.constant("command"), command: fc.string({ maxLength: 12 }) });
const groups = fc.array(
  fc.record({ matcher: fc.string({ maxLength: 4 }), hooks: fc.array(handler, { maxLength: 2 }) }),
  {
    maxLength: 2,
  },
);
/** Settings as people have them: some of ours, some of others, in any order. */
const settings = fc.record(
  {
    model: fc.string(),
    hooks: fc.dictionary(fc.constantFrom("SessionStart", "Stop", "PreToolUse", "AfterAgent"), groups),
    mcpServers: fc.dictionary(
      key.filter((name) => name !== "perdure"),
      fc.record({ command: fc.string() }),
    ),
    other: fc.jsonValue({ maxDepth: 2 }),
  },
  { requiredKeys: [] },
);
const indent = fc.constantFrom(undefined, 2, 4, "\t");

describe.each(JSON_FILES.map((file) => [file.path, file] as const))("%s", (_path, { add, remove }) => {
  test("keeps all that was there, is added to once, and is as it was after removal", () => {
    fc.assert(
      fc.property(settings, indent, (present, space) => {
        const before = JSON.stringify(present, null, space);
        const after = add(before);
        expect(add(after)).toBe(after);
        // They have no comments, and `jsonc-parser` loses a key that is called `__proto__`.
        expect(JSON.stringify(JSON.parse(after))).toContain("perdure");
        expect(JSON.parse(remove(after) ?? "{}")).toEqual(withoutEmpty(present));
      }),
    );
  });

  test("keeps comments where they stand", () => {
    const before = '{\n  // mine\n  "model": "big", /* so */\n  "hooks": {}\n}\n';
    const after = add(before);
    expect(after).toContain("// mine");
    expect(after).toContain('"model": "big", /* so */');
    expect(remove(after)).toContain("// mine");
  });

  test("of a project that has none is gone again after removal", () => {
    expect(remove(add(null))).toBeNull();
  });

  test.each(["{", "[]", '"x"', "{'a': 1}"])("that says %s is refused", (text) => {
    expect(() => add(text)).toThrow("is no JSON object");
  });
});

/** Lists and maps of ours that were empty before go with what was in them. */
function withoutEmpty(present: Record<string, unknown>): unknown {
  const ours = new Set(["SessionStart", "Stop", "PreCompact", "PreCompress", "AfterAgent"]);
  const result: Record<string, unknown> = JSON.parse(JSON.stringify(present));
  const hooks = result.hooks as Record<string, unknown[]> | undefined;
  if (hooks !== undefined) {
    for (const [event, list] of Object.entries(hooks)) if (ours.has(event) && list.length === 0) delete hooks[event];
    if (Object.keys(hooks).length === 0) delete result.hooks;
  }
  const servers = result.mcpServers as object | undefined;
  if (servers !== undefined && Object.keys(servers).length === 0) delete result.mcpServers;
  return expect.toSatisfy((value: unknown) => {
    const same = JSON.stringify(strip(value)) === JSON.stringify(strip(result));
    return same;
  });
}

/** Without lists and maps that are empty: whether one stays behind where one was is all the same to its readers. */
function strip(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).map(([name, inner]) =>
    name === "hooks" || name === "mcpServers" ? [name, strip(inner)] : [name, inner],
  );
  return Object.fromEntries(
    entries.filter(([, inner]) => !(typeof inner === "object" && inner !== null && Object.keys(inner).length === 0)),
  );
}

describe(".codex/config.toml", () => {
  const toml = FILES.find(({ path }) => path.endsWith(".toml"));
  if (toml === undefined) throw new Error("Codex has a file of settings");

  test.each([
    "",
    "model = 'x'\n",
    "# mine\r\n[tools]\r\nx = 1",
    "[[hooks.Stop]]\n[[hooks.Stop.hooks]]\ncommand = 'a'\n",
  ])("that says %j is added to once and as it was after removal", (before) => {
    const after = toml.add(before);
    expect(after.startsWith(before)).toBe(true);
    expect(toml.add(after)).toBe(after);
    expect((toml.remove(after) ?? "").trimEnd()).toBe(before.trimEnd());
  });

  test("that names our server by hand is refused", () => {
    expect(() => toml.add('[mcp_servers."perdure"]\ncommand = "x"\n')).toThrow("has settings for Perdure already");
  });
});
