/**
 * Makes a store again from a copy of its log, through the storage port, so in any kind of store. Each change has to fit
 * the rows before it; what was stored is read back and compared with what was read. A restore that was cut off goes on:
 * what the store has already is compared instead of made.
 */

import { PerdureError } from "../base/errors.ts";
import type { RandomDep } from "../base/random.ts";
import { sha256 } from "../base/sha256.ts";
import type { ArtifactFiles } from "../store/artifact-files.ts";
import { newestSeq } from "../store/commands/changes.ts";
import { readBlobText } from "../store/commands/journal-pages.ts";
import type { JournalHeader } from "../store/journal-line.ts";
import { blobsOfChange } from "../store/journal-line.ts";
import type { StoreDep } from "../store/port.ts";
import type { RawChange } from "../store/rebuild.ts";
import { isSameChange, readRawChanges, rebuildFromChanges } from "../store/rebuild.ts";
import { bringArtifact, contentText } from "./bring-content.ts";
import { artifactOf } from "./log-reader.ts";
import type { LogSource } from "./sink.ts";
import { differingTables, readStateDigest } from "./state-digest.ts";
import type { WholeCommand } from "./whole-commands.ts";
import { wholeCommands } from "./whole-commands.ts";

export interface RestoreDeps extends StoreDep, RandomDep {
  readonly source: LogSource;
  readonly artifactFiles: ArtifactFiles;
  /** Where files may be made for a moment. */
  readonly directory: string;
}

export interface RestoreOptions {
  /** The store may hold the beginning of this very log: a restore was cut off. */
  readonly mayContinue: boolean;
  /** End before what is damaged or missing, instead of refusing. */
  readonly mayBePartial: boolean;
  /** Called before the first thing is written. */
  readonly onBegin: () => Promise<void>;
  /** The store refused to become that project: all is as it was before `onBegin`. Not called where a restore goes on. */
  readonly onRefused?: () => Promise<void>;
}

export interface Restored {
  readonly project: { readonly id: string; readonly name: string };
  /** How many changes the store has now, and the last of them. */
  readonly changes: number;
  readonly lastSeq: number;
  /** Changes that were there already, from a restore that was cut off. */
  readonly continuedFrom: number;
  readonly contents: number;
  /** Hashes of what the log refers to and nobody has any more, with what it is. */
  readonly missing: readonly { readonly hash: string; readonly kind: "value" | "artifact" }[];
  /** Changes before which one of their command is missing: lost from the copy, or given up by a repair before. */
  readonly doubts: readonly number[];
  /** Why it ends before the copy does; `null` when it does not. */
  readonly endsBefore: string | null;
  /** Whether the tables were compared with those the copy was made of: only an exported file says what they came to. */
  readonly isStateProven: boolean;
}

const BATCH_CHANGES = 500;
const BATCH_CHARS = 8 << 20;

/**
 * @throws PerdureError `conflict` for a store that is not empty; `not-found` for a source without a log; `store-damaged` for
 * one that is not whole, naming the place; `unsupported` where the driver cannot take over a project
 */
export async function restoreLog(deps: RestoreDeps, options: RestoreOptions): Promise<Restored> {
  const { store, source } = deps;
  const newest = await store.execute(newestSeq, null);
  if (newest > 0 && !options.mayContinue) throw occupied(newest);
  const read = sha256();
  const restoring = new Restoring(deps);
  let changes = 0;
  let project: JournalHeader | null = null;
  let endsBefore: string | null = null;
  const doubts: number[] = [];
  for await (const found of wholeCommands(source)) {
    if (found.kind === "header") {
      if (project === null) await begin(found.header);
      else if (project.projectId !== found.header.projectId) throw damagedCopy(source, found.place, "another project");
      project ??= found.header;
      continue;
    }
    if (found.kind === "damaged") {
      if (!options.mayBePartial) throw damagedCopy(source, found.place, found.why);
      endsBefore = `${found.place}: ${found.why}`;
      break;
    }
    if (project === null) throw damagedCopy(source, found.place, "nothing says which project it is of");
    changes += found.changes.length;
    doubts.push(...found.doubts);
    for (const change of found.changes) read.update(JSON.stringify(change));
    await (found.lastSeq <= newest ? compare(found) : restoring.add(found));
  }
  if (project === null) throw nothingThere(source);
  await restoring.flush();
  const lastSeq = await store.execute(newestSeq, null);
  await verify(deps, { changes, sum: read.digest("hex") });
  const isStateProven = endsBefore === null && (await proveState(deps));
  return {
    project: { id: project.projectId, name: project.projectName },
    changes,
    lastSeq,
    continuedFrom: newest,
    contents: restoring.contents,
    missing: restoring.missing,
    doubts,
    endsBefore,
    isStateProven,
  };

  async function begin(header: JournalHeader): Promise<void> {
    if (store.becomeProject === undefined) throw cannotTakeOver();
    await options.onBegin();
    try {
      await store.becomeProject(header);
    } catch (error) {
      if (!options.mayContinue) await options.onRefused?.();
      throw error;
    }
  }

  /** What the store has already, from before the restore was cut off. */
  async function compare({ changes: expected, place }: WholeCommand): Promise<void> {
    const after = (expected[0]?.seq ?? 1) - 1;
    const stored = await store.execute(readRawChanges, { after, limit: expected.length });
    const isSame = expected.every((change, index) => {
      const other = stored[index];
      return other !== undefined && other.seq === change.seq && isSameChange(change, other);
    });
    if (!isSame) throw differs(place);
  }
}

/** Plays commands into the store, many at a time, after what they refer to. */
class Restoring {
  readonly #deps: RestoreDeps;
  #changes: RawChange[] = [];
  #blobs = new Map<string, string>();
  #chars = 0;
  readonly #known = new Set<string>();
  readonly missing: { readonly hash: string; readonly kind: "value" | "artifact" }[] = [];
  contents = 0;

  constructor(deps: RestoreDeps) {
    this.#deps = deps;
  }

  async add({ changes, blobs, files }: WholeCommand): Promise<void> {
    this.#changes.push(...changes);
    for (const [hash, text] of blobs) this.#take(hash, text);
    for (const hash of files) await this.#bringValue(hash);
    for (const change of changes) {
      this.#chars += (change.before?.length ?? 0) + (change.after?.length ?? 0);
      await this.#bringArtifact(change);
    }
    if (this.#changes.length >= BATCH_CHANGES || this.#chars >= BATCH_CHARS) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#changes.length === 0) return;
    await this.#deps.store.execute(rebuildFromChanges, { changes: this.#changes, blobs: this.#blobs });
    [this.#changes, this.#blobs, this.#chars] = [[], new Map(), 0];
  }

  #take(hash: string, text: string): void {
    this.#blobs.set(hash, text);
    this.#chars += text.length;
  }

  async #bringValue(hash: string): Promise<void> {
    if (this.#known.has(hash)) return;
    this.#known.add(hash);
    const text = await contentText(this.#deps.source, hash);
    if (text === null) this.missing.push({ hash, kind: "value" });
    else {
      this.contents += 1;
      this.#take(hash, text);
    }
  }

  async #bringArtifact(change: RawChange): Promise<void> {
    const artifact = artifactOf(change);
    if (artifact === null || this.#known.has(artifact.hash)) return;
    this.#known.add(artifact.hash);
    if (await bringArtifact(this.#deps, artifact.hash)) this.contents += 1;
    else this.missing.push({ hash: artifact.hash, kind: "artifact" });
  }
}

/** Reads back the whole log, and every value it refers to. @throws PerdureError `store-damaged` */
async function verify(
  { store }: StoreDep,
  { changes, sum }: { readonly changes: number; readonly sum: string },
): Promise<void> {
  const stored = sha256();
  const looked = new Set<string>();
  let count = 0;
  for (let after = 0; ;) {
    const page = await store.execute(readRawChanges, { after, limit: BATCH_CHANGES });
    for (const change of page) {
      stored.update(JSON.stringify(change));
      for (const hash of blobsOfChange(change)) {
        if (looked.has(hash)) continue;
        looked.add(hash);
        const text = await store.execute(readBlobText, { hash });
        // One that is missing was missing from the copy, which is told.
        if (text !== null && sha256().update(text).digest("hex") !== hash) throw notAsRead(`value ${hash}`);
      }
    }
    count += page.length;
    const last = page.at(-1);
    if (last === undefined) break;
    after = last.seq;
  }
  if (count !== changes || stored.digest("hex") !== sum) throw notAsRead(`${count} of ${changes} changes`);
}

/** @throws PerdureError `store-damaged` when the tables are not what they were */
async function proveState({ store, source }: RestoreDeps): Promise<boolean> {
  const { state = null } = source;
  if (state === null) return false;
  const found = await readStateDigest(store);
  const differing = found === null ? ["all"] : differingTables(state, found);
  if (differing.length > 0) throw notAsRead(`tables ${differing.join(", ")}`);
  return true;
}

function occupied(newest: number): PerdureError {
  return new PerdureError("conflict", {
    message: `The project is not empty: its log goes to change ${newest}; nothing was changed`,
    hint: "Restore into an empty directory with --project DIR, or name an empty store with --store.",
    details: { lastSeq: newest },
  });
}

function nothingThere({ place }: LogSource): PerdureError {
  return new PerdureError("not-found", {
    message: `There is no copy of a change log in ${place}`,
    hint: "Check the name; a copy begins with the first change after `replication` was said in perdure.yaml.",
    details: { place },
  });
}

function damagedCopy({ place }: LogSource, where: string, why: string): PerdureError {
  return new PerdureError("store-damaged", {
    message: `The copy of the log in ${place} is not whole: ${where}: ${why}`,
    hint: "Restore from another copy, or with --partial up to what is damaged.",
    details: { place, where },
  });
}

function differs(where: string): PerdureError {
  return new PerdureError("conflict", {
    message: `The store holds something else than the copy says in ${where}`,
    hint: "It was begun from another copy. Take it away and restore again.",
    details: { where },
  });
}

function notAsRead(what: string): PerdureError {
  return new PerdureError("store-damaged", {
    message: `What was restored does not read back as it was read from the copy: ${what}`,
    hint: "Take the store away, check the disk or the database, and restore again.",
  });
}

function cannotTakeOver(): PerdureError {
  return new PerdureError("unsupported", {
    message: "This kind of store cannot take over a project from a copy of its log",
    hint: "Restore into another kind of store with --store.",
  });
}
