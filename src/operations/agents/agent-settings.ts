/** What each coding agent's settings say: where the server is, and what to run at the start, before compaction and at a stop. */

import type { Json } from "../../base/json.ts";
import type { JsonEntry } from "./json-settings.ts";
import { jsonSettings } from "./json-settings.ts";
import type { ProgramCall, SettingsFile } from "./settings-file.ts";
import { commandLine } from "./settings-file.ts";
import { skillFile } from "./skill-file.ts";
import { textBlock } from "./text-block.ts";

export function agentSettings(program: ProgramCall): readonly SettingsFile[] {
  return [...claudeCode(program), ...codex(program), ...gemini(program)];
}

/** A hook that takes longer is given up. */
const TIMEOUT_SECONDS = 15;

const SERVER = ["mcpServers", "perdure"];

function serverEntry({ command, args }: ProgramCall): JsonEntry {
  return { kind: "key", at: SERVER, value: { command, args: [...args, "mcp"] } };
}

function hookEntry(
  program: ProgramCall,
  event: string,
  words: readonly [ours: string, ...options: readonly string[]],
  more: Readonly<Record<string, Json>>,
): JsonEntry {
  const hook = { type: "command", command: commandLine(program, "hook", ...words), ...more };
  return { kind: "item", at: ["hooks", event], value: { hooks: [hook] }, mark: `perdure hook ${words[0]}` };
}

function claudeCode(program: ProgramCall): readonly SettingsFile[] {
  const hook = (event: string, ...words: Parameters<typeof hookEntry>[2]) =>
    hookEntry(program, event, words, { timeout: TIMEOUT_SECONDS });
  return [
    jsonSettings(".mcp.json", [serverEntry(program)]),
    jsonSettings(".claude/settings.json", [
      // Also after a compaction, which is a start of its own there.
      hook("SessionStart", "session-start"),
      // What the hook prints is handed to whoever writes the summary, as it is.
      hook("PreCompact", "before-compaction", "--text"),
      hook("Stop", "stop"),
    ]),
    skillFile(".claude/skills/perdure/SKILL.md"),
  ];
}

function gemini(program: ProgramCall): readonly SettingsFile[] {
  const more = { name: "perdure", timeout: TIMEOUT_SECONDS * 1_000 };
  return [
    jsonSettings(".gemini/settings.json", [
      serverEntry(program),
      // Its PreCompress comes before each call of the model and adds nothing to the context, so it is left alone.
      hookEntry(program, "SessionStart", ["session-start"], more),
      hookEntry(program, "AfterAgent", ["stop"], more),
    ]),
  ];
}

function codex(program: ProgramCall): readonly SettingsFile[] {
  const { command, args } = program;
  const hook = (event: string, ours: string): readonly string[] => [
    "",
    `[[hooks.${event}]]`,
    `[[hooks.${event}.hooks]]`,
    'type = "command"',
    `command = ${JSON.stringify(commandLine(program, "hook", ours))}`,
    `timeout = ${TIMEOUT_SECONDS}`,
  ];
  const lines = [
    "[mcp_servers.perdure]",
    `command = ${JSON.stringify(command)}`,
    `args = [${[...args, "mcp"].map((word) => JSON.stringify(word)).join(", ")}]`,
    ...hook("SessionStart", "session-start"),
    // After a compaction SessionStart comes again, with the brief.
    ...hook("PreCompact", "before-compaction"),
    ...hook("Stop", "stop"),
  ];
  return [
    textBlock({ path: ".codex/config.toml", lines, taken: /^\s*\[mcp_servers\.("?)perdure\1\]/m }),
    // Where Codex and Gemini CLI look for skills of a project.
    skillFile(".agents/skills/perdure/SKILL.md"),
  ];
}
