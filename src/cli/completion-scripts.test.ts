import { execFileSync, spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";

import { completionScript, loadCompletions } from "./completion-scripts.ts";

const verbs = await loadCompletions();
const hasBash = spawnSync("bash", ["--version"]).status === 0;

/** What bash offers for the last of these words. */
function completions(...words: readonly string[]): readonly string[] {
  const script = `${completionScript("bash", verbs)}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}; _perdure; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const output = execFileSync("bash", ["--norc", "-c", script], { encoding: "utf8" });
  return output.split("\n").filter((word) => word !== "");
}

describe.skipIf(!hasBash)("the bash script", () => {
  test("is valid", () => {
    const checked = spawnSync("bash", ["-n"], { input: completionScript("bash", verbs), encoding: "utf8" });
    expect([checked.status, checked.stderr]).toEqual([0, ""]);
  });

  test("offers verbs, those of a group, options and the values of options", () => {
    expect(completions("perdure", "st")).toEqual(["status"]);
    expect(completions("perdure", "--json", "task", "re")).toEqual(["retry", "resolve", "reject"]);
    expect(completions("perdure", "run", "plan.yaml", "--de")).toEqual(["--detach"]);
    expect(completions("perdure", "task", "done", "--e")).toEqual(["--evidence"]);
    expect(completions("perdure", "run", "--order", "s")).toEqual(["sequential"]);
    expect(completions("perdure", "completion", "")).toEqual(["bash", "zsh", "fish"]);
    expect(completions("perdure", "--project", "status", "sta")).toEqual(["status"]);
  });

  test("leaves out what comes with a later version", () => {
    expect(completions("perdure", "gr")).toEqual([]);
    expect(completions("perdure", "context", "cha")).toEqual([]);
  });
});

test.each([
  ["zsh", ["--version"], ["-n"]],
  ["fish", ["--version"], ["--no-execute"]],
] as const)("the %s script is valid, where the shell is there", (shell, version, check) => {
  const script = completionScript(shell, verbs);
  expect(script).toContain("perdure");
  if (spawnSync(shell, version).status !== 0) return;
  expect(spawnSync(shell, check, { input: script, encoding: "utf8" }).stderr).toBe("");
});

test("the fish script names every verb and option", () => {
  const script = completionScript("fish", verbs);
  expect(script).toContain("-n __fish_use_subcommand -a run -d 'work a plan to its end'");
  expect(script).toContain("-l no-tick");
  expect(script).toContain("-l order -x -a 'sequential phases free'");
});
