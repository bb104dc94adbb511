/**
 * A process that adds one to the number in a file while it holds a lock, over and over: `lock-holder.ts LOCK COUNTER`.
 * Prints each number it made. Slow between reading and writing, so that a second holder would be noticed.
 */

import { readFileSync, renameSync, writeFileSync, writeSync } from "node:fs";

import { fileLock } from "../file-lock.ts";

const [path = "", counter = ""] = process.argv.slice(2);
const lock = fileLock(path);
for (;;) {
  if (!(await lock.acquire({ waitMs: 10_000 }))) throw new Error("the lock was never free");
  const next = Number(readFileSync(counter, "utf8")) + 1;
  await new Promise((resolve) => setTimeout(resolve, next % 4));
  // Whoever is killed right here has taken a number that nobody heard of.
  writeFileSync(`${counter}.${process.pid}`, String(next));
  renameSync(`${counter}.${process.pid}`, counter);
  writeSync(1, `${next}\n`);
  lock.release();
  await new Promise((resolve) => setImmediate(resolve));
}
