/** The command line on a terminal: `script` (util-linux) gives it one. */

import { spawn, spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";

import { displayWidth } from "../src/cli/terminal/width.ts";
import { useCliProject } from "./cli/cli-project.ts";

const MAIN = resolve(import.meta.dirname, "../src/cli/main.ts");
const SCRIPT = "script";
const COLUMNS = 60;
const hasScript = process.platform === "linux" && spawnSync(SCRIPT, ["--version"]).status === 0;

const project = useCliProject();

interface Terminal {
  readonly finished: Promise<{ readonly code: number | null; readonly screen: string }>;
  type(keys: string): void;
  says(text: string): Promise<void>;
}

function onTerminal(words: string, env: Readonly<Record<string, string>> = {}, columns = COLUMNS): Terminal {
  const line = `stty cols ${columns} rows 12; exec '${process.execPath}' '${MAIN}' ${words}`;
  const child = spawn(SCRIPT, ["-qec", line, "/dev/null"], {
    cwd: project.dir,
    env: { ...process.env, TERM: "xterm-256color", CI: "", NO_COLOR: "", FORCE_COLOR: "", ...env },
  });
  let screen = "";
  let onData = (): void => {};
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    screen += text;
    onData();
  });
  const finished = new Promise<{ readonly code: number | null; readonly screen: string }>((done) =>
    child.once("close", (code) => done({ code, screen })),
  );
  return {
    finished,
    type: (keys) => void child.stdin.write(keys),
    async says(text) {
      const said = new Promise<void>((resolveSaid) => {
        onData = () => {
          if (screen.includes(text)) resolveSaid();
        };
        onData();
      });
      await Promise.race([said, finished]);
      expect(screen).toContain(text);
    },
  };
}

/** What was drawn at any time, line by line, without sequences. */
function drawnLines(screen: string): readonly string[] {
  // oxlint-disable-next-line no-control-regex
  return screen.replaceAll(/\u001b\[[?\d;]*[A-Za-z]/g, "").split(/[\r\n]+/);
}

const PLAN =
  'name: Demo\nconcurrency: 2\ntasks:\n  - { id: a, title: 文書を書く文書を書く文書を書く文書を書く🚀🚀🚀, run: "echo 40 half way >> $PERDURE_PROGRESS; sleep 1.5" }\n  - { id: b, run: "sleep 0.3" }\n';

describe.skipIf(!hasScript)("on a terminal", () => {
  test("run › draws bars in place within its width, and gives the cursor back", async () => {
    project.write("plan.yaml", PLAN);
    const { code, screen } = await onTerminal("run plan.yaml").finished;
    expect(code).toBe(0);
    expect(screen).toContain("\u001b[?25l");
    expect(screen.lastIndexOf("\u001b[?25h")).toBeGreaterThan(screen.lastIndexOf("\u001b[?25l"));
    const lines = drawnLines(screen);
    expect(lines.filter((line) => /^[█░▏▎▍▌▋▊▉]{20} [\d.]+% {2}\d of 2 done/.test(line)).length).toBeGreaterThan(1);
    expect(lines.some((line) => /^ {2}[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] a {2}文書/.test(line))).toBe(true);
    expect(lines.some((line) => line.startsWith("completed   b"))).toBe(true);
    expect(
      lines.filter((line) => /^[█░⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/.test(line.trim())).filter((line) => displayWidth(line) > COLUMNS),
    ).toEqual([]);
    expect(lines.some((line) => line.startsWith("done: Demo"))).toBe(true);
  });

  test("Ctrl-C › says what it does, and ends with 130 and the cursor back", async () => {
    project.write(
      "plan.yaml",
      "name: Slow\ntasks:\n  - { id: wait, run: \"trap 'sleep 0.5; exit 1' TERM; sleep 30 & wait\" }\n",
    );
    const terminal = onTerminal("run plan.yaml");
    await terminal.says("\u001b[1mwait");
    terminal.type("\u0003");
    const { code, screen } = await terminal.finished;
    expect(code).toBe(130);
    expect(drawnLines(screen).some((line) => line.startsWith("stopping at the next step boundary"))).toBe(true);
    expect(screen.lastIndexOf("\u001b[?25h")).toBeGreaterThan(screen.lastIndexOf("\u001b[?25l"));
  });

  test("in CI › writes plain lines in colour", async () => {
    project.write("plan.yaml", PLAN.replace("sleep 1.5", "true"));
    const { screen } = await onTerminal("run plan.yaml", { CI: "true" }).finished;
    expect(screen).not.toContain("\u001b[?25l");
    expect(screen).toContain("\u001b[36mstarted");
  });

  test("with NO_COLOR › draws without colour", async () => {
    project.write("plan.yaml", PLAN.replace("sleep 1.5", "true"));
    const { screen } = await onTerminal("run plan.yaml", { NO_COLOR: "1" }).finished;
    // oxlint-disable-next-line no-control-regex
    expect(screen).not.toMatch(/\u001b\[\d+m/);
  });

  test("lists › have a header and fit the width", async () => {
    project.write("plan.yaml", PLAN);
    await project.run("plan", "plan.yaml");
    const lines = drawnLines((await onTerminal("task list").finished).screen);
    expect(lines[0]).toMatch(/^task {2}status {3}done {2}priority {2}title$/);
    expect(lines.filter((line) => displayWidth(line) > COLUMNS)).toEqual([]);
  });

  test("that does not know its width › nothing is cut off", async () => {
    await project.run("task", "add", "A title of some length");
    const { screen } = await onTerminal("task list", {}, 0).finished;
    expect(screen).toContain("A title of some length");
  });

  test("watch › ends with the session, leaving where it stands", async () => {
    project.write("plan.yaml", PLAN);
    const running = project.start(["run", "plan.yaml"]);
    await running.says("started");
    const { code, screen } = await onTerminal("watch").finished;
    await running.finished;
    expect(code).toBe(0);
    expect(drawnLines(screen).some((line) => line.startsWith("Demo  completed"))).toBe(true);
  });
});
