/**
 * Claude Code, Codex and Gemini CLI as they are, each with a scripted model: what `perdure init --agents` writes is what they
 * read, their hooks run, and a turn of theirs works a task. Large, so only where they are installed:
 * `npm install --prefix DIR @anthropic-ai/claude-code @openai/codex @google/gemini-cli`, then `PERDURE_AGENTS=DIR`.
 */

import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import type { ScriptedModel } from "./mcp/scripted-model.ts";
import { startScriptedModel } from "./mcp/scripted-model.ts";

const AGENTS = process.env.PERDURE_AGENTS;
const BIN = resolve(import.meta.dirname, "../bin/perdure.js");
const SCRIPT = [
  { tool: "get_brief", args: { tokens: 500 } },
  { tool: "next_task", args: {} },
  { tool: "update_task", args: { task_id: "readme", action: "complete", evidence: "the script says so" } },
  { tool: "remember", args: { fact: "Scripts are patient", kind: "finding" } },
];

let scratch: string;
let project: string;
let model: ScriptedModel;

beforeEach(async () => {
  scratch = realpathSync(mkdtempSync(join(tmpdir(), "perdure-agents-")));
  project = join(scratch, "project");
  const installed = `#!/bin/sh\necho "$1 $2" >> ${join(scratch, "calls")}\nexec ${process.execPath} ${BIN} "$@"\n`;
  write("bin/perdure", installed);
  chmodSync(join(scratch, "bin/perdure"), 0o755);
  mkdirSync(project);
  model = await startScriptedModel(SCRIPT);
  await run("perdure", ["init", "--agents"]);
  await run("perdure", ["task", "add", "Write the readme", "--key", "readme"]);
});

afterEach(async () => {
  await model.close();
  rmSync(scratch, { recursive: true, force: true });
});

function write(file: string, text: string): void {
  mkdirSync(dirname(join(scratch, file)), { recursive: true });
  writeFileSync(join(scratch, file), text);
}

async function run(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const folders = [join(scratch, "bin"), join(AGENTS ?? "", "node_modules/.bin"), process.env.PATH];
  const child = spawn(program, args, {
    cwd: project,
    env: { ...process.env, HOME: join(scratch, "home"), PATH: folders.join(delimiter), ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 120_000,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part: Buffer) => (output += String(part)));
  const code = await new Promise<number | null>((done, failed) => {
    child.once("error", failed);
    child.once("close", done);
  });
  return { code, output };
}

/** Each with the trust it asks its user for. */
const TURNS: Readonly<Record<string, () => ReturnType<typeof run>>> = {
  "Claude Code": async () => {
    const trust = { hasTrustDialogAccepted: true, enabledMcpjsonServers: ["perdure"] };
    write("home/.claude.json", JSON.stringify({ hasCompletedOnboarding: true, projects: { [project]: trust } }));
    return await run("claude", ["-p", "continue", "--allowedTools", "mcp__perdure"], {
      ANTHROPIC_BASE_URL: model.url,
      ANTHROPIC_API_KEY: "scripted",
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    });
  },
  Codex: async () => {
    const provider = `[model_providers.scripted]\nname = "scripted"\nbase_url = "${model.url}/v1"\nwire_api = "responses"\n`;
    const trust = `[projects.${JSON.stringify(project)}]\ntrust_level = "trusted"\n`;
    write("home/.codex/config.toml", `model = "scripted"\nmodel_provider = "scripted"\n${provider}${trust}`);
    // Else its first request may go out before the server is up.
    const wait = ["-c", "mcp_servers.perdure.required=true"];
    return await run("codex", [
      "exec",
      ...wait,
      "--skip-git-repo-check",
      "--dangerously-bypass-hook-trust",
      "continue",
    ]);
  },
  "Gemini CLI": async () => {
    write("home/.gemini/trustedFolders.json", JSON.stringify({ [project]: "TRUST_FOLDER" }));
    write("home/.gemini/settings.json", JSON.stringify({ security: { auth: { selectedType: "gemini-api-key" } } }));
    return await run("gemini", ["-p", "continue", "--approval-mode", "yolo", "-m", "gemini-2.5-pro"], {
      GEMINI_API_KEY: "scripted",
      GOOGLE_GEMINI_BASE_URL: model.url,
    });
  },
};

describe.skipIf(AGENTS === undefined)("an agent program (skipped unless PERDURE_AGENTS names where they are)", () => {
  test.each(Object.entries(TURNS))(
    "%s gets the brief, works the task and runs its hooks",
    async (_name, turn) => {
      const { code, output } = await turn();
      expect(code, output).toBe(0);
      expect(model.asked[0], output).toContain("Where the work of this project stands");
      expect(model.asked.at(-1), output).toContain("Scripts are patient");
      const shown = await run("perdure", ["task", "show", "readme", "--json"]);
      expect(JSON.parse(shown.output)).toMatchObject({ data: { status: "completed" } });
      const { output: calls } = await run("cat", [join(scratch, "calls")]);
      expect(calls).toContain("hook session-start");
      expect(calls).toContain("hook stop");
    },
    150_000,
  );
});
