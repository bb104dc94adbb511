/** How commands end that do not end by themselves, and what is left of them. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { systemClock } from "../../base/clock.ts";
import { asId, type ExecutionId } from "../../domain/ids.ts";
import type { ProcessLedger, RecordedProcess } from "../../engine/process-ledger.ts";
import { systemHost } from "../../engine/system-host.ts";
import { aRun, memoryLedger } from "../testing/a-run.ts";
import { commandExecutor } from "./command-executor.ts";
import { endOrphans, findCommandAndEnvironment } from "./orphans.ts";
import { listGroup, listGroupFromPs } from "./process-group.ts";

const COMMAND_PARENT = fileURLToPath(new URL("../testing/command-parent.ts", import.meta.url));
const GRACE_MS = 400;
const host = systemHost();
const clock = systemClock;

let directory: string;
let processLedger: ProcessLedger;
let executionId: ExecutionId;
const started: ChildProcess[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "perdure-ending-"));
  processLedger = memoryLedger();
  executionId = asId(`execution-${directory.slice(-6)}`);
});
afterEach(async () => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
  await rm(directory, { recursive: true, force: true });
});

const inDirectory = (name: string): string => join(directory, name);
const isAlive = (pid: number): boolean => host.startTokenOf(pid) !== null;
const pidIn = async (name: string): Promise<number> => {
  await expect.poll(() => readFile(inDirectory(name), "utf8").catch(() => "")).toMatch(/^\d+\n/);
  return Number(await readFile(inDirectory(name), "utf8"));
};

function execute(
  line: string,
  options: { readonly signal?: AbortSignal; readonly ledger?: ProcessLedger } = {},
): Promise<unknown> {
  const executor = commandExecutor({
    projectDir: directory,
    artifactsTempDir: directory,
    processLedger: options.ledger ?? processLedger,
    host,
    clock,
    limits: { graceMs: GRACE_MS },
  });
  return executor.execute(
    aRun({
      executionId,
      input: { run: line },
      ...(options.signal && { signal: options.signal }),
    }),
  );
}

/** Runs a command in a process of its own and resolves once that has recorded it. */
async function inParent(
  line: string,
  mode = "sound",
): Promise<{ readonly parent: ChildProcess; readonly recorded: RecordedProcess }> {
  const parent = spawn(process.execPath, [COMMAND_PARENT, directory, executionId, line, mode], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  started.push(parent);
  const [text] = (await once(parent.stdout ?? parent, "data")) as [Buffer];
  return { parent, recorded: JSON.parse(text.toString()) as RecordedProcess };
}

async function killNow(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
}

describe("stopping a command", () => {
  it.each(["timed-out", "interrupted", "lease-lost"])("ends the whole group when %s", async (reason) => {
    const stop = new AbortController();
    const running = execute("(sh -c 'echo $$ > grandchild; exec sleep 60') & echo waiting; wait", {
      signal: stop.signal,
    });
    const grandchild = await pidIn("grandchild");
    stop.abort(reason);
    await expect(running).rejects.toThrow(/waiting/);
    expect(isAlive(grandchild)).toBe(false);
    expect(await processLedger.list(executionId)).toEqual([]);
  });

  it("lets the command put things in order within the grace", async () => {
    const stop = new AbortController();
    const running = execute(
      "trap 'sleep 0.1; echo tidy > done; exit 0' TERM; echo $$ > pid; while :; do sleep 0.05; done",
      {
        signal: stop.signal,
      },
    );
    await pidIn("pid");
    stop.abort("interrupted");
    await expect(running).rejects.toMatchObject({
      code: "interrupted",
      message: expect.stringContaining("interrupted"),
    });
    expect(await readFile(inDirectory("done"), "utf8")).toBe("tidy\n");
  });

  it("kills a command that does not listen, once the grace is over", async () => {
    const stop = new AbortController();
    const running = execute("trap '' TERM; echo $$ > pid; while :; do sleep 0.05; done", {
      signal: stop.signal,
    });
    const pid = await pidIn("pid");
    const since = clock.now();
    stop.abort("timed-out");
    await expect(running).rejects.toMatchObject({
      code: "work-failed",
      message: expect.stringContaining("too long"),
    });
    expect(clock.now() - since).toBeGreaterThanOrEqual(GRACE_MS);
    expect(isAlive(pid)).toBe(false);
  });

  it("ends a command that is itself stopped", async () => {
    const stop = new AbortController();
    const running = execute("echo $$ > pid; kill -STOP $$; sleep 60", { signal: stop.signal });
    const pid = await pidIn("pid");
    const since = clock.now();
    stop.abort("cancelled");
    await expect(running).rejects.toThrow("cancelled");
    expect(clock.now() - since).toBeLessThan(GRACE_MS);
    expect(isAlive(pid)).toBe(false);
  });

  it("starts nothing when it is too late already", async () => {
    await expect(execute("echo > ran", { signal: AbortSignal.abort("stopping") })).rejects.toThrow("stopping");
    expect(existsSync(inDirectory("ran"))).toBe(false);
  });
});

describe("processes left in the background", () => {
  it("are ended with the command, and hold nothing up", async () => {
    const since = clock.now();
    const result = await execute("sleep 60 & echo $! > left; echo done");
    expect(result).toMatchObject({ output: "done\n" });
    expect(clock.now() - since).toBeLessThan(3_000);
    expect(isAlive(await pidIn("left"))).toBe(false);
  });

  it("are ended at once when they do not hold the output", async () => {
    const since = clock.now();
    await execute("sleep 60 >/dev/null 2>&1 & echo $! > left");
    expect(clock.now() - since).toBeLessThan(900);
    expect(isAlive(await pidIn("left"))).toBe(false);
  });

  it("are waited for while they still write", async () => {
    const result = await execute("(sleep 0.3; echo late) & echo early");
    expect(result).toMatchObject({ output: "early\nlate\n" });
  });

  it.runIf(process.platform === "linux")("outside the group hold nothing up either", async () => {
    const since = clock.now();
    const result = await execute("setsid sh -c 'echo $$ > away; exec sleep 60' & sleep 0.2; echo done");
    expect(result).toMatchObject({ output: "done\n" });
    expect(clock.now() - since).toBeLessThan(4_000);
    process.kill(await pidIn("away"), "SIGKILL");
  });
});

describe("the gate", () => {
  it("lets nothing run before the process is recorded", async () => {
    let wasRunning: boolean | null = null;
    const ledger: ProcessLedger = {
      ...processLedger,
      record: async (id, process) => {
        await new Promise<void>((resolve) => clock.setTimer(150, resolve));
        wasRunning = existsSync(inDirectory("ran"));
        await processLedger.record(id, process);
      },
    };
    await execute("echo > ran", { ledger });
    expect(wasRunning).toBe(false);
    expect(existsSync(inDirectory("ran"))).toBe(true);
  });

  it("never lets it run when Perdure is killed before that", async () => {
    const { parent, recorded } = await inParent("echo > ran", "stuck");
    expect(isAlive(recorded.pid)).toBe(true);
    await killNow(parent);
    await expect.poll(() => isAlive(recorded.pid)).toBe(false);
    expect(existsSync(inDirectory("ran"))).toBe(false);
  });

  it("never lets it run when it cannot be recorded", async () => {
    const pids: number[] = [];
    const ledger: ProcessLedger = {
      ...processLedger,
      record: async (_id, { pid }) => {
        pids.push(pid);
        throw new Error("store unreachable");
      },
    };
    await expect(execute("echo > ran", { ledger })).rejects.toThrow("store unreachable");
    expect(existsSync(inDirectory("ran"))).toBe(false);
    expect(pids.map(isAlive)).toEqual([false]);
  });
});

describe("orphans", () => {
  it("are ended before the command runs again", async () => {
    const { parent, recorded } = await inParent("echo $$ > pid; (sh -c 'echo $$ > grandchild; exec sleep 60') & wait");
    const pids = [await pidIn("pid"), await pidIn("grandchild")];
    await killNow(parent);
    expect(pids.map(isAlive)).toEqual([true, true]);
    await processLedger.record(executionId, recorded);
    // What has ended may yet be a zombie, if whoever took it over is slow.
    const line = `ps -o stat=,pid= -p ${pids.join(",")} | grep -v ^Z; true`;
    expect(await execute(line)).toMatchObject({ output: "" });
    expect(await processLedger.list(executionId)).toEqual([]);
  });

  it("are found when the leader of their group is gone", async () => {
    const { parent, recorded } = await inParent(
      "sh -c 'trap \"\" HUP; echo $$ > child; exec sleep 60' & echo $$ > pid; wait",
    );
    const child = await pidIn("child");
    await killNow(parent);
    process.kill(await pidIn("pid"), "SIGKILL");
    await expect.poll(() => isAlive(recorded.pid)).toBe(false);
    expect(isAlive(child)).toBe(true);
    await processLedger.record(executionId, recorded);
    const ended = await endOrphans({ processLedger, host, clock }, { executionId, graceMs: GRACE_MS });
    expect(ended).toEqual([recorded.pid]);
    expect(isAlive(child)).toBe(false);
  });

  describe("are not", () => {
    const recordOf = (pid: number, startToken: string): RecordedProcess => ({
      host: host.id,
      pid,
      startToken,
    });
    const bystander = async (script: string): Promise<ChildProcess> => {
      const child = spawn("sh", ["-c", script], {
        detached: true,
        stdio: "ignore",
        cwd: directory,
      });
      started.push(child);
      await once(child, "spawn");
      return child;
    };
    const ended = (): Promise<readonly number[]> =>
      endOrphans({ processLedger, host, clock }, { executionId, graceMs: GRACE_MS });

    it("a process that has got the pid since, whatever its environment says", async () => {
      const { pid = 0 } = await bystander(`PERDURE_EXECUTION_ID=${executionId} exec sleep 60`);
      await processLedger.record(executionId, recordOf(pid, "another time"));
      expect(await ended()).toEqual([]);
      expect(isAlive(pid)).toBe(true);
      expect(await processLedger.list(executionId)).toEqual([]);
    });

    it("a group of another execution whose leader is gone as well", async () => {
      const { pid = 0 } = await bystander("sleep 60 & echo $! > member");
      const member = await pidIn("member");
      await expect.poll(() => isAlive(pid)).toBe(false);
      await processLedger.record(executionId, recordOf(pid, "another time"));
      expect(await ended()).toEqual([]);
      expect(isAlive(member)).toBe(true);
      process.kill(member, "SIGKILL");
    });

    it("a process on another host", async () => {
      const { pid = 0 } = await bystander("exec sleep 60");
      const elsewhere = { ...recordOf(pid, host.startTokenOf(pid) ?? ""), host: "elsewhere" };
      await processLedger.record(executionId, elsewhere);
      expect(await ended()).toEqual([]);
      expect(isAlive(pid)).toBe(true);
      expect(await processLedger.list(executionId)).toEqual([elsewhere]);
    });
  });
});

describe("systems without /proc", () => {
  it("list a group, and know a process by its environment, the same", async () => {
    await writeFile(inDirectory("go"), "");
    const child = spawn("sleep", ["60"], {
      detached: true,
      stdio: "ignore",
      env: { PERDURE_EXECUTION_ID: "abc" },
    });
    started.push(child);
    await once(child, "spawn");
    const { pid = 0 } = child;
    expect(listGroupFromPs(pid)).toEqual([pid]);
    expect(listGroup(pid)).toEqual([pid]);
    await expect.poll(() => findCommandAndEnvironment(pid)).toContain("PERDURE_EXECUTION_ID=abc");
    await killNow(child);
    expect(listGroup(pid)).toEqual([]);
    expect(findCommandAndEnvironment(pid)).toEqual([]);
  });
});
