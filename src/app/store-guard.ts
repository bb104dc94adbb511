/** What stands before opening a store: a repair that is under way or was cut off, and files that are lost rather than new. */

import { join } from "node:path";

import { PerdureError } from "../base/errors.ts";
import { existsSync, readdirSync, statSync } from "../base/quick-fs.ts";
import type { HeldUse } from "../base/use-lock.ts";
import { useAlone, useTogether } from "../base/use-lock.ts";

/** Who uses the store says so here: any number together, or a repair alone. */
export function useLockOf(storePath: string): string {
  return `${storePath}-use`;
}

/** A repair that was killed while it put files in their places is finished. @throws PerdureError `conflict` while one is under way */
export async function finishPendingRepair(perdureDir: string, storePath: string): Promise<void> {
  if (!existsSync(join(perdureDir, "repair", "swap.json"))) return;
  const use = useAlone(useLockOf(storePath));
  if (use === null) throw underRepair(storePath);
  try {
    const { finishSwap } = await import("../repair/swap.ts");
    await finishSwap(perdureDir);
  } finally {
    use.end();
  }
}

/** Until it is ended no repair begins. @throws PerdureError `conflict` while one is under way */
export function useStore(storePath: string): HeldUse {
  let use: HeldUse | null;
  try {
    use = useTogether(useLockOf(storePath));
  } catch {
    // Where no file can be made, no database can be opened either, and that says why.
    return { end: () => {} };
  }
  if (use === null) throw underRepair(storePath);
  return use;
}

/** What a restore that is not at its end leaves beside the store. */
export function restoreMarkOf(storePath: string): string {
  return `${storePath}-restore`;
}

/** A store that a restore has not finished holds the beginning of a log: whoever worked on it would tell another story. @throws PerdureError `conflict` */
export function refuseHalfRestored(mark: string): void {
  if (!existsSync(mark)) return;
  throw new PerdureError("conflict", {
    message: "The store is being restored, or a restore was cut off: it holds only the beginning",
    hint: "Wait until it is done, or run `perdure restore --from COPY` again: it goes on. To begin anew, take the store and this file away.",
    details: { mark },
  });
}

/** A store that is empty beside a journal with changes has been lost. @throws PerdureError `store-damaged` */
export function refuseLost(storePath: string, perdureDir: string): void {
  if ((statSync(storePath, { throwIfNoEntry: false })?.size ?? 0) > 0) return;
  const journal = join(perdureDir, "journal");
  if (statSync(journal, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  const hasChanges = readdirSync(journal).some((name) => statSync(join(journal, name)).size > 0);
  if (!hasChanges) return;
  throw new PerdureError("store-damaged", {
    message: `The database ${storePath} is ${existsSync(storePath) ? "empty" : "missing"}, but its journal is not`,
    hint: "`perdure repair` makes it again from the journal. To begin anew instead, move .perdure/ away.",
    details: { path: storePath, journal },
  });
}

function underRepair(storePath: string): PerdureError {
  return new PerdureError("conflict", {
    message: `${storePath} is being repaired by another process`,
    hint: "Wait until it is done and run the command again.",
    details: { path: storePath },
  });
}
