/** Which blobs and artifact files anything still refers to: a row, a change that is kept, the mirror of the log. */

import { findLogBeginning, listLoggedReferences, listStoredReferences } from "../../store/commands/cleanup-log.ts";
import type { OperationContext } from "../operation.ts";

const CHANGES_PER_PAGE = 2_000;

export interface InUse {
  readonly hashes: ReadonlySet<string>;
  /** The last change looked at; what later ones refer to has to be looked at again. */
  readonly through: number;
}

/** What the store itself refers to: all that its blobs are needed for. */
export async function findInUse({ store }: OperationContext): Promise<InUse> {
  const hashes = new Set<string>();
  let through = 0;
  for (let next: number | null = 0; next !== null;) {
    const page: Awaited<ReturnType<typeof readPage>> = await readPage(next);
    for (const hash of page.hashes) hashes.add(hash);
    through = page.through;
    next = page.next;
  }
  for (const hash of await store.execute(listStoredReferences, null)) hashes.add(hash);
  return { hashes, through };

  function readPage(after: number) {
    return store.execute(listLoggedReferences, { after, limit: CHANGES_PER_PAGE });
  }
}

export interface FilesInUse extends InUse {
  /** Large values that stand in the mirror of the log. */
  readonly mirroredFiles: ReadonlySet<string>;
}

/** `null` when it cannot be told: the log was cut off, and its mirror does not say what it refers to. */
export async function findFilesInUse(context: OperationContext): Promise<FilesInUse | null> {
  const inUse = await findInUse(context);
  const mirroredFiles = (await context.logMirror?.filesInUse()) ?? null;
  const isWhole = (await context.store.execute(findLogBeginning, null)) === 0;
  if (mirroredFiles === null && !isWhole) return null;
  return { ...inUse, mirroredFiles: mirroredFiles ?? new Set() };
}

/** Whether anything recorded after `through` refers to the hash. */
export async function isReferredToSince({ store }: OperationContext, hash: string, through: number): Promise<boolean> {
  for (let next: number | null = through; next !== null;) {
    const page: { readonly hashes: readonly string[]; readonly next: number | null } = await store.execute(
      listLoggedReferences,
      { after: next, limit: CHANGES_PER_PAGE },
    );
    if (page.hashes.includes(hash)) return true;
    next = page.next;
  }
  return false;
}
