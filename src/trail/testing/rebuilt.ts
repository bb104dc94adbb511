/** A store made from a journal alone, for comparing it with the one the journal tells of. */

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect } from "vitest";

import type { RawChange } from "../../store/rebuild.ts";
import { rebuildFromChanges } from "../../store/rebuild.ts";
import type { SuiteStore } from "../../testing/store-suite/suite-options.ts";
import { dumpTables, withoutCoordination } from "../../testing/table-dump.ts";
import { readJournal } from "../journal-files.ts";

export interface ReadBack {
  readonly changes: readonly RawChange[];
  readonly blobs: ReadonlyMap<string, string>;
}

/** The whole journal in `directory`, a `.perdure`, with the values beside it. Fails when a line of it is damaged. */
export async function readBack(directory: string): Promise<ReadBack> {
  const changes: RawChange[] = [];
  const blobs = new Map<string, string>();
  let isEnd = true;
  for await (const { line, file, lineNumber } of readJournal(join(directory, "journal"))) {
    if (line.kind === "damaged") expect.fail(`line ${lineNumber} of ${file}: ${line.why}`);
    if (line.kind === "header") continue;
    // A command ends where the next one begins.
    expect(isEnd, `the change before ${line.change.seq} is marked as an end`).toBe(line.change.part === 0);
    isEnd = line.isEnd;
    changes.push(line.change);
    for (const [hash, text] of line.blobs) blobs.set(hash, text);
    for (const hash of line.files) {
      blobs.set(hash, readFileSync(join(directory, "artifacts", hash.slice(0, 2), hash), "utf8"));
    }
  }
  expect(isEnd, "the last change is marked as an end").toBe(true);
  return { changes, blobs };
}

/** What is rebuilt from the journal into `empty` is what `store` holds, but for who works on it and hints that are made anew. */
export async function expectRebuilds(directory: string, store: SuiteStore, empty: SuiteStore): Promise<void> {
  await empty.execute(rebuildFromChanges, await readBack(directory));
  const [expected, rebuilt] = [await dumpTables(store), await dumpTables(empty)];
  expect(withoutCoordination(rebuilt)).toEqual(withoutCoordination(expected));
  expect(rebuilt.blobs).toEqual(expected.blobs);
}
