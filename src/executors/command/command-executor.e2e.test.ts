import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { systemClock } from "../../base/clock.ts";
import type { Json } from "../../base/json.ts";
import { seededRandom } from "../../base/random.ts";
import { NonRetryable, RetryAfter } from "../../domain/retry-policy.ts";
import type { Executor } from "../../engine/executor.ts";
import type { ProcessLedger } from "../../engine/process-ledger.ts";
import { systemHost } from "../../engine/system-host.ts";
import { type ARun, aRun, memoryLedger, type RecordingRun } from "../testing/a-run.ts";
import { commandExecutor, type CommandLimits } from "./command-executor.ts";
import type { CommandResult } from "./command-outcome.ts";

let projectDir: string;
let artifactsTempDir: string;
let processLedger: ProcessLedger;

beforeEach(async () => {
  projectDir = await mkdtemp(join(tmpdir(), "perdure-command-"));
  artifactsTempDir = join(projectDir, ".perdure", "tmp");
  processLedger = memoryLedger();
});
afterEach(() => rm(projectDir, { recursive: true }));

function anExecutor(limits: CommandLimits = {}): Executor {
  return commandExecutor({
    projectDir,
    artifactsTempDir,
    processLedger,
    host: systemHost(),
    clock: systemClock,
    random: seededRandom(1),
    limits,
  });
}

interface Carried {
  readonly run: RecordingRun;
  readonly result: CommandResult;
  readonly log: Buffer;
}

async function carryOut(
  input: Json,
  { limits, ...options }: ARun & { readonly limits?: CommandLimits } = {},
): Promise<Carried> {
  const run = aRun({ ...options, input });
  const result = (await anExecutor(limits).execute(run)) as CommandResult;
  return { run, result, log: run.artifacts.get("output-1.log") ?? Buffer.alloc(0) };
}

describe("commandExecutor", () => {
  it("returns the end of the output and keeps all of it as an artifact", async () => {
    const { result, log } = await carryOut({ run: "echo one; echo two" });
    expect(result).toMatchObject({ exitCode: 0, output: "one\ntwo\n", truncated: false });
    expect(result.durationMs).toBeGreaterThanOrEqual(0);
    expect(log.toString()).toBe("one\ntwo\n");
  });

  it("keeps both output streams in the order they were written", async () => {
    const line = "for i in 1 2 3 4 5 6 7 8 9; do echo out $i; echo err $i >&2; done";
    const { log } = await carryOut({ run: line });
    const expected = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((i) => `out ${i}\nerr ${i}\n`).join("");
    expect(log.toString()).toBe(expected);
  });

  it("lets the output streams be opened by name", async () => {
    const { result } = await carryOut({ run: "echo a > /dev/stderr; echo b > /dev/stdout" });
    expect(result.output).toBe("a\nb\n");
  });

  it("passes the line to the shell as it is", async () => {
    const line = `printf '%s|' "a  b" '$x' "\\"q\\"" \`echo t\` $(echo "n\nm") é`;
    const { result } = await carryOut({ run: line });
    expect(result.output).toBe('a  b|$x|"q"|t|n|m|é|');
  });

  it("does not take a line that begins with a dash for an option", async () => {
    await expect(carryOut({ run: "-c foo" })).rejects.toThrow(/exit code 127: .*-c/);
  });

  it("leaves nothing behind: no record, no file", async () => {
    const { run } = await carryOut({ run: "true" });
    expect(await processLedger.list(run.executionId)).toEqual([]);
    expect(await readdir(artifactsTempDir)).toEqual([]);
  });

  it("removes the files a killed run of the same execution left", async () => {
    await mkdir(join(artifactsTempDir, "perdure-execution-1-abc"), { recursive: true });
    await mkdir(join(artifactsTempDir, "perdure-execution-2-abc"));
    await carryOut({ run: "true" });
    expect(await readdir(artifactsTempDir)).toEqual(["perdure-execution-2-abc"]);
  });

  it("gives the command its place, its variables and an empty input", async () => {
    await mkdir(join(projectDir, "sub dir"));
    const { result } = await carryOut(
      {
        run: 'pwd; cat; echo "$GREETING|$PERDURE_TASK_ID|$PERDURE_EXECUTION_ID|$PERDURE_ATTEMPT|$PERDURE_IDEMPOTENCY_KEY"',
        cwd: "sub dir",
        env: { GREETING: "hello", PERDURE_ATTEMPT: "not this" },
      },
      { task: {} },
    );
    expect(result.output).toBe(`${join(projectDir, "sub dir")}\nhello|task-1|execution-1|1|idempotency-1\n`);
  });

  it("hands on the progress the command writes", async () => {
    const line = `echo "10 begun" >> $PERDURE_PROGRESS; sleep 0.2; echo 90% > $PERDURE_PROGRESS; echo nonsense >> $PERDURE_PROGRESS`;
    const { run } = await carryOut({ run: line });
    expect(run.progressUpdates).toEqual([{ percent: 10, message: "begun" }, { percent: 90 }]);
  });

  describe("when the command fails", () => {
    it("says the exit code and the last lines", async () => {
      const run = aRun({
        input: { run: "echo building; printf '\\033[31mno such file\\033[0m\\n' >&2; exit 2" },
      });
      await expect(anExecutor().execute(run)).rejects.toMatchObject({
        code: "work-failed",
        message: "exit code 2: building\nno such file",
        details: { exitCode: 2 },
      });
      expect(run.artifacts.get("output-1.log")?.toString()).toContain("no such file");
    });

    it("says only the exit code when it said nothing", async () => {
      await expect(carryOut({ run: "exit 3" })).rejects.toThrow(/^exit code 3$/);
    });

    it("names the signal that killed it", async () => {
      await expect(carryOut({ run: "echo bye; kill -SEGV $$" })).rejects.toThrow(/^killed by SIGSEGV: bye/);
    });

    it("hints at what a missing command means, and may be retried", async () => {
      const failed = carryOut({ run: "no-such-command-at-all" });
      await expect(failed).rejects.toMatchObject({ hint: expect.stringContaining("PATH") });
      await expect(failed).rejects.not.toBeInstanceOf(NonRetryable);
    });

    it("asks for a retry by the task's policy on exit 75", async () => {
      const retry = {
        backoff: "fixed",
        initialDelayMs: 60_000,
        factor: 2,
        maxDelayMs: 60_000,
      } as const;
      const failed = carryOut({ run: "echo busy; exit 75" }, { task: { retry } });
      await expect(failed).rejects.toThrow(/retried later: exit code 75: busy/);
      const error: unknown = await failed.catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(RetryAfter);
      expect(error).toMatchObject({ delayMs: expect.closeTo(45_000, -5) });
    });

    it("names a directory that is missing, and is not retried", async () => {
      const failed = carryOut({ run: "true", cwd: "nowhere" });
      await expect(failed).rejects.toBeInstanceOf(NonRetryable);
      await expect(failed).rejects.toThrow(join(projectDir, "nowhere"));
    });

    it("refuses a line the system cannot take", async () => {
      await expect(carryOut({ run: `: ${"x".repeat(200_000)}` })).rejects.toBeInstanceOf(NonRetryable);
      await expect(carryOut({ run: "echo \0" })).rejects.toThrow(/run: .*NUL/);
    });

    it.each([
      [{}, "run"],
      [{ run: " " }, "run: Write a command"],
      [{ run: "true", evn: {} }, "evn"],
      [{ run: "true", env: { "A=B": "c" } }, "env.A=B"],
      [null, "Invalid"],
    ])("refuses the input %j", async (input, expected) => {
      const failed = carryOut(input);
      await expect(failed).rejects.toBeInstanceOf(NonRetryable);
      await expect(failed).rejects.toThrow(expected);
    });
  });

  describe("with a lot of output, or output that is not text", () => {
    it("keeps the start and the end of 50 MB in bounded memory", async () => {
      const line = "echo first; head -c 50000000 /dev/zero | tr '\\0' x; echo; echo last";
      const before = process.memoryUsage.rss();
      const { result, log } = await carryOut({ run: line }, { limits: { outputBytes: 1 << 20 } });
      expect(process.memoryUsage.rss() - before).toBeLessThan(64 << 20);
      expect(result).toMatchObject({ output: "last\n", truncated: true });
      expect(log.length).toBeLessThan((1 << 20) + 100);
      expect(log.subarray(0, 7).toString()).toBe("first\nx");
      expect(log.toString()).toMatch(/x\n… 48951\d{3} bytes left out …\nx+\nlast\n$/);
    });

    it("keeps bytes as they are in the artifact and replaces them in the result", async () => {
      const { result, log } = await carryOut({ run: "printf 'a\\000b\\377c\\n'" });
      expect(log).toEqual(Buffer.from([97, 0, 98, 255, 99, 10]));
      expect(result.output).toBe("a\u{fffd}b\u{fffd}c\n");
    });

    it("puts characters together that arrive in parts", async () => {
      const { result } = await carryOut({
        run: "printf '\\342\\202'; sleep 0.1; printf '\\254\\n'",
      });
      expect(result.output).toBe("€\n");
    });

    it("begins the result at a line start", async () => {
      const { result } = await carryOut({ run: "seq 1 5000" });
      expect(result.truncated).toBe(true);
      expect(result.output).toMatch(/^\d{4}\n[^]*5000\n$/);
      expect(result.output.length).toBeLessThanOrEqual(4096);
    });
  });

  it("stands by the outcome when the output cannot be kept", async () => {
    const { run, result } = await carryOut(
      { run: "echo done" },
      { artifact: () => Promise.reject(new Error("disk full")) },
    );
    expect(result.exitCode).toBe(0);
    expect(run.logLines).toEqual([expect.stringContaining("could not be kept: disk full")]);
    expect(await readdir(artifactsTempDir)).toEqual([]);
  });

  describe("with effect once", () => {
    const once = (verify?: string): Json => ({
      run: "echo x >> ran",
      effect: "once",
      ...(verify && { verify }),
    });
    const ran = async (): Promise<string> => readFile(join(projectDir, "ran"), "utf8").catch(() => "");

    it("runs within a recorded step", async () => {
      const { run } = await carryOut(once());
      expect(run.steps).toEqual([{ name: "command", options: { effect: "once" } }]);
      expect(await ran()).toBe("x\n");
    });

    it("records no step otherwise", async () => {
      const { run } = await carryOut({ run: "true" });
      expect(run.steps).toEqual([]);
    });

    it("does not run again when verify finds it done", async () => {
      await writeFile(join(projectDir, "proof"), "");
      const { result } = await carryOut(once("test -e proof && echo proven"), {
        hasUnknownStep: true,
      });
      expect(result).toMatchObject({ exitCode: 0, output: "proven\n" });
      expect(await ran()).toBe("");
    });

    it("runs when verify finds it not done", async () => {
      await carryOut(once("test -e proof"), { hasUnknownStep: true });
      expect(await ran()).toBe("x\n");
    });

    it("decides nothing when verify cannot tell", async () => {
      const failed = carryOut(once("echo offline; exit 2"), { hasUnknownStep: true });
      await expect(failed).rejects.toThrow("verify could not tell: exit code 2: offline");
      expect(await ran()).toBe("");
    });
  });
});
