import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { fileLock } from "./file-lock.ts";
import { seededRandom } from "./random.ts";

const HOLDER = fileURLToPath(new URL("./testing/lock-holder.ts", import.meta.url));

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "perdure-lock-"));
  path = join(directory, "lock");
});
afterEach(() => rmSync(directory, { recursive: true }));

describe("a file lock", () => {
  it("is held by one at a time, also within a process, and its file stays empty", () => {
    const [first, second] = [fileLock(path), fileLock(path)];
    expect([first.tryAcquire(), second.tryAcquire(), first.tryAcquire()]).toEqual([true, false, false]);
    first.release();
    first.release();
    expect(second.tryAcquire()).toBe(true);
    second.close();
    expect(first.tryAcquire()).toBe(true);
    first.close();
    expect(statSync(path).size).toBe(0);
  });

  it("is waited for as long as was said", async () => {
    const [first, second] = [fileLock(path), fileLock(path)];
    first.tryAcquire();
    expect(await second.acquire({ waitMs: 20 })).toBe(false);
    expect(await second.acquire({ waitMs: 60_000, signal: AbortSignal.timeout(20) })).toBe(false);
    const waiting = second.acquire({ waitMs: 10_000 });
    first.close();
    expect(await waiting).toBe(true);
    second.close();
  });

  it("is never held by two of five processes, some of which are killed while they hold it", async () => {
    const counter = join(directory, "counter");
    writeFileSync(counter, "0");
    const seed = Date.now() % 1_000_000;
    const random = seededRandom(seed);
    const holders = Array.from({ length: 5 }, () => startHolder(counter));
    const ended: string[] = [];
    for (let kill = 0; kill < 12; kill++) {
      const victim = kill % holders.length;
      // At some moment after they have got on a little, however slow the machine is.
      const enough = Number(readFileSync(counter, "utf8")) + 6;
      while (Number(readFileSync(counter, "utf8")) < enough) await sleep(5);
      await sleep(random.next() * 20);
      holders[victim]?.child.kill("SIGKILL");
      await holders[victim]?.ended;
      ended.push(...(holders[victim]?.lines ?? []));
      holders[victim] = startHolder(counter);
    }
    for (const holder of holders) {
      holder.child.kill("SIGTERM");
      await holder.ended;
    }
    // Each adds one to a number in a file and says so: two at once would have read the same number.
    const said = [...ended, ...holders.flatMap((holder) => holder.lines)];
    expect(new Set(said).size, `seed ${seed}`).toBe(said.length);
    expect(said.length).toBeGreaterThan(50);
    expect(Number(readFileSync(counter, "utf8"))).toBeGreaterThan(50);
  }, 60_000);
});

function startHolder(counter: string) {
  const child = spawn(process.execPath, [HOLDER, path, counter], { stdio: ["ignore", "pipe", "inherit"] });
  const lines: string[] = [];
  child.stdout.on("data", (chunk: Buffer) => lines.push(...chunk.toString().split("\n").filter(Boolean)));
  return { child, lines, ended: once(child, "close") };
}
