/**
 * Artifacts as files named after their content: `<dir>/ab/abcd…`, the SHA-256 in hex. A file is there whole or not at all,
 * is never changed, and the same content is kept once. Which task an artifact belongs to is the database's business.
 */

import { createReadStream, type Stats } from "node:fs";
import { copyFile, lstat, mkdir, open, readdir, readFile, realpath, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Readable } from "node:stream";

import type { Millis } from "../base/clock.ts";
import { systemClock } from "../base/clock.ts";
import { PerdureError } from "../base/errors.ts";
import type { RandomDep } from "../base/random.ts";
import { sha256 } from "../base/sha256.ts";

interface StoredFile {
  /** SHA-256 of the content, in lower-case hex. */
  readonly hash: string;
  readonly sizeBytes: number;
}

export interface ArtifactFiles {
  /** Whether they belong to the store as its rows do. Files in a directory may be of several stores. */
  readonly isInStore: boolean;
  /** Resolves when the content is durable. Safe to repeat. */
  putBytes(bytes: Uint8Array): Promise<StoredFile>;
  /**
   * Takes the file at `path` away and resolves when it is durable here. Until then it stays where it was, so a crash loses
   * nothing. Nobody may write to it any more. Its content may be of any size: it is never held in memory.
   *
   * @throws PerdureError `invalid-input` when there is no such file.
   */
  putMoved(path: string): Promise<StoredFile>;
  has(hash: string): Promise<boolean>;
  /** Whether it is there; then it counts as put just now, as one does that is about to be referred to. */
  renew(hash: string): Promise<boolean>;
  /** @throws PerdureError `not-found`; `store-damaged` when the content is no longer what was put. */
  read(hash: string): Promise<Buffer>;
  /** The content as a stream, which is not checked. @throws PerdureError `not-found` */
  open(hash: string): Promise<Readable>;
  /** Every file there is, a directory at a time. Puts back what a removal that was killed had set aside. */
  list(): AsyncIterable<readonly ListedFile[]>;
  /**
   * Removes a file nobody has put since `before` and that is not needed: what was recorded after `lookedThrough` is asked for
   * once it can no longer be put unseen, and whoever puts it from then on writes it anew. Returns whether it went.
   */
  removeUnused(hash: string, options: RemoveUnused): Promise<boolean>;
}

export interface ListedFile extends StoredFile {
  readonly putAt: Millis;
}

export interface RemoveUnused {
  readonly before: Millis;
  /** The last change that was looked at and does not refer to it. */
  readonly lookedThrough: number;
  /** Whether one after that refers to it, for files, which have no log to ask. */
  isNeeded(): Promise<boolean>;
}

/** `dir` is made when the first artifact is put. */
export function artifactFiles(deps: RandomDep & { readonly dir: string }): ArtifactFiles {
  const dir = resolve(deps.dir);

  /** `bring` puts the whole content at the path it is given, at once and durably. */
  async function place(file: StoredFile, bring: (target: string) => Promise<void>): Promise<void> {
    const target = pathOf(dir, file.hash);
    await ensureDirectory(dirname(target));
    const isThere = (await findSize(target)) === file.sizeBytes && (await isRefreshed(target));
    if (!isThere) await bring(target);
    // Also when it was there: whoever renamed it may not have got as far as this.
    await syncDirectory(dirname(target));
  }

  /** Writes beside the place first, so that nothing half written ever has the name. */
  async function writeWhole(target: string, write: (path: string) => Promise<void>): Promise<void> {
    const temporary = `${target}.${deps.random.uuid()}.tmp`;
    try {
      await write(temporary);
      await syncFile(temporary);
      await rename(temporary, target);
    } finally {
      await rm(temporary, { force: true });
    }
  }

  return {
    isInStore: false,
    async putBytes(bytes) {
      const file = {
        hash: sha256().update(bytes).digest("hex"),
        sizeBytes: bytes.length,
      };
      await place(file, (target) => writeWhole(target, (path) => writeNew(path, bytes)));
      return file;
    },
    async putMoved(path) {
      const source = await getSource(path);
      const file = await hashFile(source.path);
      await place(file, async (target) => {
        if (await isMoved(source, target)) return;
        await writeWhole(target, (copy) => copyFile(source.path, copy));
      });
      await rm(path, { force: true });
      return file;
    },
    async has(hash) {
      return (await findSize(pathOf(dir, hash))) !== null;
    },
    async renew(hash) {
      const path = pathOf(dir, hash);
      return (await findSize(path)) !== null && (await isRefreshed(path));
    },
    async read(hash) {
      const content = await readFile(pathOf(dir, hash)).catch((cause) => notFound(hash, cause));
      if (sha256().update(content).digest("hex") === hash) return content;
      throw new PerdureError("store-damaged", {
        message: `Artifact ${hash} holds other content than was stored`,
        hint: `Put ${pathOf(dir, hash)} back from a backup, or delete it and run its task again.`,
      });
    },
    async open(hash) {
      const file = await open(pathOf(dir, hash), "r").catch((cause) => notFound(hash, cause));
      return file.createReadStream();
    },
    async *list() {
      for (const name of (await namesIn(dir)).filter((each) => /^[0-9a-f]{2}$/.test(each))) {
        const files: ListedFile[] = [];
        for (const entry of await namesIn(join(dir, name))) {
          const [hash = "", , end] = entry.split(".");
          if (end === SET_ASIDE) await putBack(join(dir, name, entry), pathOf(dir, hash));
          const found = await findStat(pathOf(dir, hash));
          if (found !== null) files.push({ hash, sizeBytes: found.size, putAt: found.mtimeMs });
        }
        yield files;
      }
    },
    async removeUnused(hash, { before, isNeeded }) {
      const target = pathOf(dir, hash);
      const found = await findStat(target);
      if (found === null || found.mtimeMs >= before) return false;
      const aside = `${target}.${deps.random.uuid()}.${SET_ASIDE}`;
      await rename(target, aside);
      const moved = await findStat(aside);
      if (moved === null || moved.mtimeMs >= before || (await isNeeded())) {
        await putBack(aside, target);
        return false;
      }
      await rm(aside, { force: true });
      return true;
    },
  };
}

/** Ends the name of a file that is about to be removed. */
const SET_ASIDE = "removing";

/** Whoever else put the same content meanwhile put the same: it may be replaced. */
async function putBack(aside: string, target: string): Promise<void> {
  await rename(aside, target).catch((error) => {
    if (!hasCode(error, "ENOENT")) throw error;
  });
}

/** Puts the file's time forward, so that nobody takes it for one that is not used; `false` when it has just gone. */
async function isRefreshed(path: string): Promise<boolean> {
  const now = systemClock.now() / 1_000;
  try {
    await utimes(path, now, now);
    return true;
  } catch (error) {
    // One that belongs to somebody else is not ours to remove either.
    return !hasCode(error, "ENOENT");
  }
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).toSorted();
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}

function pathOf(dir: string, hash: string): string {
  if (/^[0-9a-f]{64}$/.test(hash)) return join(dir, hash.slice(0, 2), hash);
  throw new PerdureError("invalid-input", {
    message: `Not the hash of an artifact: ${JSON.stringify(hash)}`,
    hint: "It has 64 digits, 0–9 and a–f.",
  });
}

function notFound(hash: string, cause: unknown): never {
  if (!hasCode(cause, "ENOENT")) throw cause;
  throw new PerdureError("not-found", {
    message: `Artifact ${hash} is not among the project's files`,
    hint: "It may have been deleted, or belong to a project directory on another machine.",
    cause,
  });
}

interface Source {
  readonly path: string;
  /** Whether it can be renamed: not a link to a file elsewhere, nor a file with a second name to change it by. */
  readonly isMovable: boolean;
}

async function getSource(path: string): Promise<Source> {
  try {
    const link: Stats = await lstat(path);
    if (link.isFile()) return { path, isMovable: link.nlink === 1 };
    const target = await realpath(path);
    if ((await stat(target)).isFile()) return { path: target, isMovable: false };
  } catch (cause) {
    if (!hasCode(cause, "ENOENT")) throw cause;
    throw new PerdureError("invalid-input", {
      message: `There is no file to store at ${path}`,
      cause,
    });
  }
  throw new PerdureError("invalid-input", {
    message: `Only files can be stored, and ${path} is none`,
  });
}

/** `false` when it has to be copied. */
async function isMoved({ path, isMovable }: Source, target: string): Promise<boolean> {
  if (!isMovable) return false;
  try {
    // Durable before it moves: afterwards there is no second copy.
    await syncFile(path);
    await rename(path, target);
    return true;
  } catch (error) {
    if (hasCode(error, "EXDEV")) return false;
    throw error;
  }
}

async function hashFile(path: string): Promise<StoredFile> {
  const hash = sha256();
  let sizeBytes = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    sizeBytes += chunk.length;
  }
  return { hash: hash.digest("hex"), sizeBytes };
}

async function findSize(path: string): Promise<number | null> {
  return (await findStat(path))?.size ?? null;
}

async function findStat(path: string): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return null;
    throw error;
  }
}

async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, "wx");
  try {
    await file.writeFile(bytes);
  } finally {
    await file.close();
  }
}

/** Makes the directory, and makes it durable up to the first parent that was there. */
async function ensureDirectory(directory: string): Promise<void> {
  const firstMade = await mkdir(directory, { recursive: true });
  if (firstMade === undefined) return;
  const end = dirname(firstMade);
  for (let parent = dirname(directory); ; parent = dirname(parent)) {
    await syncDirectory(parent);
    if (parent === end || parent === dirname(parent)) return;
  }
}

async function syncFile(path: string): Promise<void> {
  // Windows flushes only what is open for writing; elsewhere the file may be read-only.
  const file = await open(path, process.platform === "win32" ? "r+" : "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  // Windows opens no directories; its renames are durable with the journal of the file system.
  if (process.platform === "win32") return;
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
