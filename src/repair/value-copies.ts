/** Values and artifacts kept as files: which are damaged, and which of them another copy brings back. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import type { ArtifactFiles } from "../store/artifact-files.ts";
import { existsSync } from "../base/quick-fs.ts";
import type { Copies } from "./examine.ts";
import type { LostFile } from "./report.ts";
import type { Replacement } from "./swap.ts";
import { syncFile } from "./swap.ts";

interface FindInput {
  readonly copies: Copies;
  /** The database that was made. */
  readonly newPath: string;
  readonly workDirectory: string;
  /** Where artifacts lie. */
  readonly directory: string;
  readonly artifactFiles: ArtifactFiles;
}

export interface FileDamage {
  /** In words. */
  readonly damaged: readonly string[];
  readonly replacements: readonly Replacement[];
  readonly lost: readonly LostFile[];
}

/** Reads every file the store refers to. What takes the place of a damaged one is written below `workDirectory`. */
export async function findFileDamage(input: FindInput): Promise<FileDamage> {
  const { copies, newPath, directory, artifactFiles } = input;
  const damaged: string[] = [];
  const replacements: Replacement[] = [];
  const lost: LostFile[] = [];
  const names = artifactNames(newPath);
  for (const hash of new Set([...copies.mirror.files, ...names.keys()])) {
    const isSound = await artifactFiles.read(hash).then(
      () => true,
      () => false,
    );
    if (isSound) continue;
    const path = join(directory, hash.slice(0, 2), hash);
    const state = existsSync(path) ? "holds other content than was stored" : "is missing";
    const text = copies.salvage?.blob(hash) ?? copies.mirror.blobs.get(hash) ?? null;
    if (text !== null) {
      damaged.push(`file: ${path} ${state}`);
      replacements.push({ by: await writeCopy(input.workDirectory, { hash, text }), path, alsoRemove: [] });
    } else if (names.has(hash)) lost.push({ hash, name: names.get(hash) ?? null, why: `${path} ${state}` });
  }
  return { damaged, replacements, lost };
}

async function writeCopy(
  workDirectory: string,
  { hash, text }: { readonly hash: string; readonly text: string },
): Promise<string> {
  const copy = join(workDirectory, `value-${hash}`);
  await writeFile(copy, text);
  await syncFile(copy);
  return copy;
}

function artifactNames(path: string): ReadonlyMap<string, string> {
  const database = new DatabaseSync(path);
  try {
    const found = database.prepare("select hash, min(name) as name from artifacts group by hash").all();
    return new Map(found.map(({ hash, name }) => [String(hash), String(name)]));
  } finally {
    database.close();
  }
}
