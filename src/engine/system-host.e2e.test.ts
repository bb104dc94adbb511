import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { startTimeReader, systemHost } from "./system-host.ts";

const isLinux = process.platform === "linux";

describe("systemHost", () => {
  const host = systemHost();

  it("names the machine and itself", () => {
    expect(host.id.startsWith(hostname())).toBe(true);
    expect(host.pid).toBe(process.pid);
    expect(host.startTokenOf(process.pid)).toBe(host.startToken);
  });

  it("gives the same identity every time it is asked", () => {
    expect(systemHost()).toMatchObject({
      id: host.id,
      pid: host.pid,
      startToken: host.startToken,
    });
  });

  it("tells a process from the next one and from one that ended", async () => {
    const first = spawn("sleep", ["30"], { stdio: "ignore" });
    const token = host.startTokenOf(first.pid ?? 0);
    expect(token).not.toBeNull();
    expect(host.startTokenOf(first.pid ?? 0)).toBe(token);
    expect(token).not.toBe(host.startToken);
    first.kill("SIGKILL");
    await once(first, "exit");
    expect(host.startTokenOf(first.pid ?? 0)).toBeNull();
  });

  it("has no token for a pid that never was", () => {
    expect(host.startTokenOf(2 ** 22 + 1)).toBeNull();
  });

  it.runIf(isLinux)("reads the start time of a program whose name holds a parenthesis", async () => {
    const directory = mkdtempSync(join(tmpdir(), "perdure-host-"));
    const program = join(directory, "a) Z (b");
    copyFileSync("/bin/sleep", program);
    const child = spawn(program, ["30"], { stdio: "ignore" });
    await once(child, "spawn");
    expect(host.startTokenOf(child.pid ?? 0)).toMatch(/^[0-9a-f-]{36}\/\d+$/);
    child.kill("SIGKILL");
    rmSync(directory, { recursive: true });
  });

  it.runIf(isLinux)("counts a zombie as gone", async () => {
    // The inner shell ends at once and its parent, now `sleep`, never asks for it.
    const parent = spawn("sh", ["-c", "sh -c 'echo $$' & exec sleep 30"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const [line] = (await once(parent.stdout, "data")) as [Buffer];
    const zombie = Number(line.toString().trim());
    await expect.poll(() => host.startTokenOf(zombie)).toBeNull();
    expect(() => process.kill(zombie, 0)).not.toThrow();
    parent.kill("SIGKILL");
    await once(parent, "exit");
  });
});

describe.skipIf(process.platform === "win32")("startTimeReader for systems without /proc", () => {
  const startTimeOf = startTimeReader("darwin");

  it("asks ps, and has nothing for a process that is gone", () => {
    expect(startTimeOf(process.pid)).toMatch(/\d\d:\d\d:\d\d \d{4}$/);
    expect(startTimeOf(process.pid)).toBe(startTimeOf(process.pid));
    expect(startTimeOf(2 ** 22 + 1)).toBeNull();
  });
});
