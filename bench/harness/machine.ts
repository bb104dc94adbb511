/** What the figures were measured on. */

import { closeSync, fdatasyncSync, fsyncSync, openSync, readFileSync, rmSync, statfsSync, writeSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem, type } from "node:os";
import { join } from "node:path";

import { scratchRoot } from "./scratch.ts";
import { sleep } from "./shared-clock.ts";

const FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0xef53, "ext2/3/4"],
  [0x58465342, "xfs"],
  [0x9123683e, "btrfs"],
  [0x01021994, "tmpfs (memory: durability costs nothing here)"],
  [0x794c7630, "overlayfs"],
  [0x2fc12fc1, "zfs"],
  [0x6969, "nfs"],
]);

const EMBEDDED = ["plainjob", "openworkflow"];
const SERVED = ["graphile-worker", "pg-boss", "@dbos-inc/dbos-sdk", "bullmq", "pg", "ioredis"];

export function machineHeader(): readonly string[] {
  const directory = scratchRoot();
  const rates = { fsync: syncRate({ seconds: 0.7 }), fdatasync: syncRate({ seconds: 0.7, sync: fdatasyncSync }) };
  return [
    `machine      ${cpus()[0]?.model.trim() ?? "unknown CPU"}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()}, load ${number1(loadavg()[0] ?? 0)}`,
    `disk         ${fileSystemOf(directory)}; ${Math.round(rates.fsync)} fsync/s (what Node's SQLite commits by) and ${Math.round(rates.fdatasync)} fdatasync/s of 4 KiB appended`,
    `Node         ${process.version} with SQLite ${process.versions.sqlite ?? "?"}`,
    `versions     perdure ${versionIn("../../package.json")}, ${versionsOf(EMBEDDED)} (all on node:sqlite), ${versionsOf(SERVED)} (on servers)`,
    "durability   read back from each product's own connection. SQLite's journal mode and synchronous setting: FULL survives power loss, NORMAL a killed process only; Postgres: fsync and synchronous_commit on; Redis: appendfsync always",
  ];
}

type Sync = (file: number) => void;

/** How often a second this disk makes an append durable. */
export function syncRate({ seconds, sync = fsyncSync }: { readonly seconds: number; readonly sync?: Sync }): number {
  const log = openLog();
  const startedAt = performance.now();
  let count = 0;
  while (performance.now() - startedAt < seconds * 1_000) {
    log.append(sync);
    count += 1;
  }
  const perSecond = (count * 1_000) / (performance.now() - startedAt);
  log.close();
  return perSecond;
}

/** How long it takes when the disk had a pause before. */
export async function syncAfterPauseMs(options: {
  readonly samples: number;
  readonly pauseMs: number;
}): Promise<readonly number[]> {
  const log = openLog();
  const times: number[] = [];
  for (let sample = 0; sample < options.samples; sample += 1) {
    await sleep(options.pauseMs);
    const startedAt = performance.now();
    log.append(fsyncSync);
    times.push(performance.now() - startedAt);
  }
  log.close();
  return times;
}

function openLog(): { append(sync: Sync): void; close(): void } {
  const path = join(scratchRoot(), "log");
  const file = openSync(path, "w");
  const block = Buffer.alloc(4_096, 1);
  return {
    append(sync) {
      writeSync(file, block);
      sync(file);
    },
    close() {
      closeSync(file);
      rmSync(path);
    },
  };
}

function fileSystemOf(directory: string): string {
  const kind = statfsSync(directory).type;
  return FILE_SYSTEMS.get(kind) ?? `file system 0x${kind.toString(16)}`;
}

function versionsOf(names: readonly string[]): string {
  return names.map((name) => `${name} ${versionIn(`../node_modules/${name}/package.json`)}`).join(", ");
}

function versionIn(file: string): string {
  const parsed: unknown = JSON.parse(readFileSync(new URL(file, import.meta.url), "utf8"));
  return typeof parsed === "object" && parsed !== null && "version" in parsed ? String(parsed.version) : "?";
}

function number1(value: number): string {
  return value.toFixed(1);
}
