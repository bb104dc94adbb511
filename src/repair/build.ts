/** Making a database from a log. */

import { isPerdureError } from "../base/errors.ts";
import { blobsOfChange } from "../store/journal-line.ts";
import type { Store } from "../store/port.ts";
import type { RawChange } from "../store/rebuild.ts";
import { rebuildFromChanges } from "../store/rebuild.ts";

interface BuildInput {
  readonly changes: readonly RawChange[];
  /** The text of a blob, from any copy that is whole. */
  readonly findBlob: (hash: string) => Promise<string | null>;
}

export interface LostValue {
  readonly hash: string;
  readonly seq: number;
  readonly entity: string;
  readonly rowKey: string;
}

export type Built =
  | { readonly kind: "built"; readonly lostValues: readonly LostValue[] }
  /** That change cannot be made after those before it. */
  | { readonly kind: "misfit"; readonly seq: number };

const BATCH = 500;

/** Into a store that is empty. */
export async function buildStore(store: Store, { changes, findBlob }: BuildInput): Promise<Built> {
  const lostValues: LostValue[] = [];
  const known = new Set<string>();
  for (let from = 0; from < changes.length; from += BATCH) {
    const batch = changes.slice(from, from + BATCH);
    const blobs = new Map<string, string>();
    for (const change of batch) {
      for (const hash of blobsOfChange(change)) {
        if (known.has(hash)) continue;
        known.add(hash);
        const text = await findBlob(hash);
        if (text === null) lostValues.push({ hash, seq: change.seq, entity: change.entity, rowKey: change.rowKey });
        else blobs.set(hash, text);
      }
    }
    const misfit = await append(store, batch, blobs);
    if (misfit !== null) return { kind: "misfit", seq: misfit };
  }
  return { kind: "built", lostValues };
}

/** The seq of the change that does not fit; `null` when all do. */
async function append(
  store: Store,
  changes: readonly RawChange[],
  blobs: ReadonlyMap<string, string>,
): Promise<number | null> {
  try {
    await store.execute(rebuildFromChanges, { changes, blobs });
    return null;
  } catch (error) {
    if (isPerdureError(error) && typeof error.details.seq === "number") return error.details.seq;
    const [only] = changes;
    if (only === undefined || (isPerdureError(error) && error.code === "store-unreachable")) throw error;
    if (changes.length === 1) return only.seq;
  }
  // The database refused one of them, by a key that is taken or a column that is empty, and does not say which.
  const half = Math.floor(changes.length / 2);
  return (await append(store, changes.slice(0, half), blobs)) ?? (await append(store, changes.slice(half), blobs));
}
