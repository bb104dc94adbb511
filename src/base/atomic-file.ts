/** Replacing a file at once: whoever reads it finds the old content or the new, also after a crash or power loss. */

import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Puts `content` at `path`, durably. The new content is written beside it first, as `path.tmp`: only one process may
 * replace the file at a time. What a crash leaves there is overwritten the next time.
 */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  await replaceFileWith(path, async (temporary) => {
    const file = await open(temporary, "w");
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
  });
}

/** As `replaceFile`; `write` puts the whole content at the path it is given, durably. */
export async function replaceFileWith(path: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${path}.tmp`;
  try {
    await write(temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** Makes durable which files a directory has. */
export async function syncDirectory(path: string): Promise<void> {
  // Windows opens no directories; its renames are durable with the journal of the file system.
  if (process.platform === "win32") return;
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
