/** The entries of a copy of a log as whole commands. What comes behind the last one was being written when it was cut off. */

import type { JournalHeader } from "../store/journal-line.ts";
import type { RawChange } from "../store/rebuild.ts";
import type { LogSource } from "./sink.ts";

export interface WholeCommand {
  readonly kind: "command";
  readonly changes: readonly RawChange[];
  readonly lastSeq: number;
  /** Values its lines hold, by hash. */
  readonly blobs: ReadonlyMap<string, string>;
  /** Hashes of values that are contents. */
  readonly files: readonly string[];
  /** Changes before which one of the command is missing. */
  readonly doubts: readonly number[];
  /** Of its last change. */
  readonly place: string;
}

export type CopiedEntry =
  | WholeCommand
  | { readonly kind: "header"; readonly header: JournalHeader; readonly place: string }
  | { readonly kind: "damaged"; readonly place: string; readonly why: string };

/** Ends with the first entry that is damaged. */
export async function* wholeCommands(source: LogSource): AsyncGenerator<CopiedEntry> {
  let command = emptyCommand();
  let previous: RawChange | null = null;
  /** It looks like the end that was cut off, as long as nothing stands behind it. */
  let torn: CopiedEntry | null = null;
  for await (const { line, place, isTerminated } of source.read({ after: 0 })) {
    if (torn !== null) return yield torn;
    if (line.kind === "header") {
      yield { kind: "header", header: line.header, place };
      continue;
    }
    if (line.kind === "damaged") {
      const damaged = { kind: "damaged", place, why: line.why } as const;
      if (isTerminated) return yield damaged;
      torn = damaged;
      continue;
    }
    const { change, isEnd } = line;
    if (previous !== null && change.seq <= previous.seq) {
      return yield { kind: "damaged", place, why: `change ${change.seq} comes after change ${previous.seq}` };
    }
    if (isDoubtful(change, previous)) command.doubts.push(change.seq);
    command.changes.push(change);
    for (const [hash, text] of line.blobs) command.blobs.set(hash, text);
    command.files.push(...line.files);
    previous = change;
    if (!isEnd) continue;
    yield { kind: "command", ...command, lastSeq: change.seq, place };
    command = emptyCommand();
  }
}

function emptyCommand() {
  return {
    changes: [] as RawChange[],
    blobs: new Map<string, string>(),
    files: [] as string[],
    doubts: [] as number[],
  };
}

/** Changes are numbered within their command. A number that is left out may be one that a repair had to give up. */
function isDoubtful({ part }: RawChange, previous: RawChange | null): boolean {
  return part !== 0 && part !== (previous?.part ?? -1) + 1;
}
