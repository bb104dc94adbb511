/** `perdure init --agents`, its undoing, and the hooks it writes. */

import { chmodSync, mkdirSync } from "node:fs";
import { delimiter, join } from "node:path";

import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { beforeEach, describe, expect, test } from "vitest";

import { useCliProject } from "./cli/cli-project.ts";

const project = useCliProject();
const installed = useCliProject();
beforeEach(() => chmodSync(installed.write("perdure", "#!/bin/sh\n"), 0o755));

/** Where `perdure` is found by its name. */
async function runInstalled(...words: readonly string[]) {
  const PATH = [installed.dir, process.env.PATH].join(delimiter);
  return await project.start(words, { env: { PATH } }).finished;
}

const SETTINGS = [
  ".agents/skills/perdure/SKILL.md",
  ".claude/settings.json",
  ".claude/skills/perdure/SKILL.md",
  ".codex/config.toml",
  ".gemini/settings.json",
  ".mcp.json",
];
const settingsOf = (files: readonly string[]): readonly string[] =>
  files.filter((file) => /^\.(agents|claude|codex|gemini|mcp).*\.(json|toml|md)$/.test(file));

describe("perdure init --agents", () => {
  test("shows with --dry-run what it would write, and writes nothing", async () => {
    const { code, stdout } = await runInstalled("init", "--agents", "--dry-run");
    expect(code).toBe(0);
    expect(stdout).toContain('+       "command": "perdure"');
    expect(project.files()).toEqual([]);
  });

  test("writes the settings of each agent, and --undo leaves nothing of them", async () => {
    expect((await runInstalled("init", "--agents")).code).toBe(0);
    expect(settingsOf(project.files())).toEqual(SETTINGS);
    expect(JSON.parse(project.read(".mcp.json"))).toEqual({
      mcpServers: { perdure: { command: "perdure", args: ["mcp"] } },
    });
    expect(project.read(".codex/config.toml")).toContain('command = "perdure hook session-start"');
    expect((await project.run("init", "--agents", "--undo")).code).toBe(0);
    expect(project.files().filter((file) => /^\.(agents|claude|codex|gemini|mcp)/.test(file))).toEqual([]);
  });

  test("names a program that is found: of the project, else by its name, else fetched", async () => {
    const without = { PATH: "/usr/bin:/bin" };
    await project.start(["init", "--agents"], { env: without }).finished;
    expect(JSON.parse(project.read(".mcp.json")).mcpServers.perdure).toEqual({
      command: "npx",
      args: ["-y", "perdure", "mcp"],
    });
    expect(project.read(".codex/config.toml")).toContain('command = "npx -y perdure hook stop"');
    // Installed meanwhile, and another server was added.
    project.write(".mcp.json", project.read(".mcp.json").replace("{\n", '{\n  "x": 1,\n'));
    await runInstalled("init", "--agents", "--undo");
    expect(JSON.parse(project.read(".mcp.json"))).toEqual({ x: 1 });
    project.write("package.json", '{"dependencies":{"perdure":"^0.1.0"}}');
    await runInstalled("init", "--agents");
    expect(project.read(".gemini/settings.json")).toContain('"npx perdure hook session-start"');
  });

  test("puts its entries beside those that are there, and --undo gives the files back byte for byte", async () => {
    mkdirSync(join(project.dir, ".claude"));
    const before = '{\n\t// mine\n\t"hooks": { "Stop": [ {"hooks":[{"type":"command","command":"say done"}]} ] },\n}\n';
    project.write(".claude/settings.json", before);
    project.write(".mcp.json", '{"mcpServers":{"other":{"command":"x"}}}');
    await project.run("init", "--agents");
    await project.run("init", "--agents");
    const after = project.read(".claude/settings.json");
    expect(after).toContain("// mine");
    expect(after.match(/perdure hook stop/g)).toHaveLength(1);
    await project.run("init", "--agents", "--undo");
    expect(project.read(".claude/settings.json")).toBe(before);
    expect(project.read(".mcp.json")).toBe('{"mcpServers":{"other":{"command":"x"}}}');
  });

  test("leaves what was changed since, and takes out its own", async () => {
    await project.run("init", "--agents");
    const changed = project
      .read(".mcp.json")
      .replace('"mcpServers": {', '"mcpServers": {\n    "new": {"command": "y"},');
    project.write(".mcp.json", changed);
    await project.run("init", "--agents", "--undo");
    expect(JSON.parse(project.read(".mcp.json"))).toEqual({ mcpServers: { new: { command: "y" } } });
  });

  test("writes none of them when one cannot be read", async () => {
    project.write(".mcp.json", "{ not json");
    const { code, stderr } = await project.run("init", "--agents");
    expect(code).toBe(2);
    expect(stderr).toContain(".mcp.json is no JSON object");
    expect(settingsOf(project.files())).toEqual([".mcp.json"]);
  });
});

describe("perdure hook", () => {
  test("gives the brief at the start and a line otherwise, as JSON alone", async () => {
    await project.run("task", "add", "Write it");
    const start = await project.run("hook", "session-start");
    const { hookSpecificOutput } = JSON.parse(start.stdout);
    expect(hookSpecificOutput).toMatchObject({
      hookEventName: "SessionStart",
      additionalContext: expect.stringContaining("Next 1"),
    });
    expect(hookSpecificOutput.additionalContext).not.toContain("`perdure ");
    const stop = await project.run("hook", "stop");
    expect(JSON.parse(stop.stdout)).toEqual({
      systemMessage: "Perdure: tasks is active, 0 of 1 tasks done; next Write it",
    });
  });

  test("gives the brief as text before a compaction, where it is asked for as that", async () => {
    await project.run("task", "add", "Write it");
    const { stdout } = await project.run("hook", "before-compaction", "--text");
    expect(stdout).toContain("keep in the summary");
    expect(stdout).toContain("Next 1");
    const line = await project.run("hook", "before-compaction");
    expect(JSON.parse(line.stdout)).toHaveProperty("systemMessage");
  });

  test("tells a task whose agent is gone as ready", async () => {
    await project.run("task", "add", "Write it", "--key", "it");
    const client = new Client({ name: "gone", version: "0" });
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [join(import.meta.dirname, "../src/cli/main.ts"), "mcp", "--project", project.dir],
      stderr: "ignore",
    });
    await client.connect(transport);
    await client.callTool({ name: "next_task", arguments: {} });
    process.kill(transport.pid ?? 0, "SIGKILL");
    await client.close();
    const { stdout } = await project.run("hook", "session-start");
    expect(JSON.parse(stdout).hookSpecificOutput.additionalContext).toContain("Now 0\nNext 1: it\n");
  });

  test("finds nothing where an agent has only read, its server's beginning and end included", async () => {
    const client = new Client({ name: "reader", version: "0" });
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [join(import.meta.dirname, "../src/cli/main.ts"), "mcp", "--project", project.dir],
      stderr: "ignore",
    });
    await client.connect(transport);
    const told = await client.callTool({ name: "get_brief", arguments: {} });
    expect(told.content).toMatchObject([{ text: expect.stringContaining("No project here yet") }]);
    await client.close();
    expect(project.files()).toEqual([]);
    expect((await project.run("hook", "session-start")).stdout).toBe("{}\n");
  });

  test("never stands in an agent's way", async () => {
    for (const event of ["session-start", "nonsense"]) {
      const { code, stdout } = await project.run("hook", event);
      expect([code, stdout]).toEqual([0, "{}\n"]);
    }
  });
});
