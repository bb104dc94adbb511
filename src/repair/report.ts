/** What a repair found and did. */

import type { LostRow } from "./reconcile.ts";
import type { SeqRange } from "./seq-ranges.ts";

export interface RepairOptions {
  /** Look and tell, change nothing. */
  readonly isDryRun: boolean;
  /** Go on although something that can be read now would be gone. */
  readonly mayDiscard: boolean;
}

/** An artifact of which no copy is left. */
export interface LostFile {
  readonly hash: string;
  readonly name: string | null;
  readonly why: string;
}

export interface RepairReport {
  /** In words, each about one place. */
  readonly damaged: readonly string[];
  readonly recovered: {
    readonly changes: number;
    /** Changes that the journal alone had, or had otherwise than the database, and were taken from it. */
    readonly fromJournal: readonly SeqRange[];
    /** Changes that the database alone had. */
    readonly fromDatabase: readonly SeqRange[];
    /** Changes made up from what followed them, and from the rows themselves. */
    readonly fromRows: readonly SeqRange[];
  };
  readonly lost: {
    /** Changes of which no copy is left. */
    readonly changes: readonly SeqRange[];
    /** Changes that are there and fit nowhere, or belong to a command whose end is lost. */
    readonly dropped: readonly {
      readonly seq: number;
      readonly verb: string;
      readonly entity: string;
      readonly rowKey: string;
    }[];
    /** Changes that contradict each other, or the row they made, where neither has a checksum: nobody can tell which is right. */
    readonly doubtful: readonly SeqRange[];
    readonly rows: readonly (LostRow & { readonly name: string | null })[];
    readonly values: readonly {
      readonly hash: string;
      readonly seq: number;
      readonly entity: string;
      readonly rowKey: string;
    }[];
    readonly files: readonly LostFile[];
  };
  /** What was replaced, relative to the project; what would be, in a dry run. */
  readonly replaced: readonly string[];
  /** Where the damaged files are kept; `null` when nothing was replaced. */
  readonly keptIn: string | null;
  /** A repair that was cut off was finished first. */
  readonly finishedEarlier: boolean;
}

export function hasLost({ lost }: RepairReport): boolean {
  return Object.values(lost).some(({ length }) => length > 0);
}

/** Of an open project: mends its store, which need not be one that can be opened. */
export type RepairStore = (options: RepairOptions) => Promise<RepairReport>;
