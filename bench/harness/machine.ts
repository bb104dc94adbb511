/** What the figures were measured on. */

import { closeSync, fdatasyncSync, mkdirSync, openSync, readFileSync, rmSync, statfsSync, writeSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem, type } from "node:os";
import { join } from "node:path";

import { scratchRoot } from "./scratch.ts";

const FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0xef53, "ext2/3/4"],
  [0x58465342, "xfs"],
  [0x9123683e, "btrfs"],
  [0x01021994, "tmpfs (memory: durability costs nothing here)"],
  [0x794c7630, "overlayfs"],
  [0x2fc12fc1, "zfs"],
  [0x6969, "nfs"],
]);

export function machineHeader(): readonly string[] {
  const directory = scratchRoot();
  const { bench, perdure } = { bench: peerVersions(), perdure: versionIn("../../package.json") };
  return [
    `machine      ${cpus()[0]?.model.trim() ?? "unknown CPU"}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()}, load ${number1(loadavg()[0] ?? 0)}`,
    `disk         ${fileSystemOf(directory)}; ${Math.round(fdatasyncRate({ seconds: 1 }))} fdatasync/s of 4 KiB appended, one after another`,
    `Node         ${process.version} with SQLite ${process.versions.sqlite ?? "?"}`,
    `versions     perdure ${perdure}, ${bench.join(", ")} (all on node:sqlite)`,
    "durability   journal mode and synchronous setting are read back from each product's own connection: FULL survives power loss, NORMAL a killed process only",
  ];
}

/** How often a second this disk makes an append durable. */
export function fdatasyncRate({ seconds }: { readonly seconds: number }): number {
  const directory = scratchRoot();
  mkdirSync(directory, { recursive: true });
  const path = join(directory, "fdatasync");
  const file = openSync(path, "w");
  const block = Buffer.alloc(4_096, 1);
  const startedAt = performance.now();
  let count = 0;
  try {
    while (performance.now() - startedAt < seconds * 1_000) {
      writeSync(file, block);
      fdatasyncSync(file);
      count += 1;
    }
    return (count * 1_000) / (performance.now() - startedAt);
  } finally {
    closeSync(file);
    rmSync(path);
  }
}

function fileSystemOf(directory: string): string {
  const kind = statfsSync(directory).type;
  return FILE_SYSTEMS.get(kind) ?? `file system 0x${kind.toString(16)}`;
}

function peerVersions(): readonly string[] {
  return ["plainjob", "openworkflow"].map((name) => `${name} ${versionIn(`../node_modules/${name}/package.json`)}`);
}

function versionIn(file: string): string {
  const parsed: unknown = JSON.parse(readFileSync(new URL(file, import.meta.url), "utf8"));
  return typeof parsed === "object" && parsed !== null && "version" in parsed ? String(parsed.version) : "?";
}

function number1(value: number): string {
  return value.toFixed(1);
}
