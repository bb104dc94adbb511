/** Which blobs and artifact files anything still refers to: a row, a change that is kept, the mirror of the log. */

import type { References } from "../../store/commands/cleanup-log.ts";
import { findLogBeginning, listLoggedReferences, listStoredReferences } from "../../store/commands/cleanup-log.ts";
import type { OperationContext } from "../operation.ts";

const CHANGES_PER_PAGE = 2_000;

export interface InUse {
  readonly hashes: ReadonlySet<string>;
  /** The last change looked at; what later ones refer to has to be looked at again. */
  readonly through: number;
}

/** What the store itself refers to: all that its blobs are needed for. */
export async function findInUse(context: OperationContext): Promise<InUse> {
  const logged = await lookOn(context, { hashes: new Set(), through: 0 });
  const stored = await context.store.execute(listStoredReferences, null);
  return { ...logged, hashes: new Set([...logged.hashes, ...stored]) };
}

/** With what was recorded since, so that little is left to look at in the moment something is removed. */
export async function lookOn<Known extends InUse>({ store }: OperationContext, known: Known): Promise<Known> {
  const found: string[] = [];
  let { through } = known;
  for (let next: number | null = through; next !== null;) {
    const page: References = await store.execute(listLoggedReferences, { after: next, limit: CHANGES_PER_PAGE });
    for (const hash of page.hashes) found.push(hash);
    through = page.through;
    next = page.next;
  }
  return { ...known, through, hashes: found.length === 0 ? known.hashes : new Set([...known.hashes, ...found]) };
}

export interface FilesInUse extends InUse {
  /** Large values that stand in the mirror of the log. */
  readonly mirroredFiles: ReadonlySet<string>;
}

/** `null` when it cannot be told: the log was cut off, and its mirror does not say what it refers to. */
export async function findFilesInUse(context: OperationContext, inUse: InUse): Promise<FilesInUse | null> {
  const mirroredFiles = (await context.logMirror?.filesInUse()) ?? null;
  const isWhole = (await context.store.execute(findLogBeginning, null)) === 0;
  // A store that keeps them itself has no mirror, and where its log was cut off, that was in the store it came from.
  if (mirroredFiles === null && !isWhole && !context.artifactFiles.isInStore) return null;
  return { ...inUse, mirroredFiles: mirroredFiles ?? new Set() };
}

/** Whether anything recorded after `through` refers to the hash. */
export async function isReferredToSince(context: OperationContext, hash: string, through: number): Promise<boolean> {
  return (await lookOn(context, { hashes: new Set<string>(), through })).hashes.has(hash);
}
