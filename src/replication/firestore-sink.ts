/**
 * A sink that is a collection in Firestore. A batch is one document, named after the change it follows: two who append at
 * the same place want to create the same document, and one of them can. Documents hold less than 1 MiB, so what is longer
 * is kept in pieces beside.
 */

import type { CollectionReference, Firestore, QueryDocumentSnapshot } from "@google-cloud/firestore";

import { messageOf, PerdureError } from "../base/errors.ts";
import { sha256 } from "../base/sha256.ts";
import { headerToLine, readJournalLine } from "../store/journal-line.ts";
import type { JournalLine } from "../store/journal-line.ts";
import type { PieceStore } from "./contents.ts";
import { findText, hasContent, openContent, putContent } from "./contents.ts";
import { lastChange } from "./last-change.ts";
import type { LogEntry, Sink } from "./sink.ts";

export interface FirestoreSinkOptions {
  /** Of Google Cloud. Who may write there is said by the environment (`GOOGLE_APPLICATION_CREDENTIALS`). */
  readonly project: string;
  /** The path of a collection, for this log alone. */
  readonly collection: string;
}

/** Of a document, with room for its other fields and its name. */
const PIECE_BYTES = 900 << 10;
const PAGE = 10;
const ALREADY_EXISTS = 6;
const DEADLINE_EXCEEDED = 4;
const NOT_FOUND = 5;
const UNAVAILABLE = 14;

/** @throws PerdureError `unsupported` without the package */
export async function openFirestoreSink({ project, collection }: FirestoreSinkOptions): Promise<Sink> {
  const place = `the Firestore collection ${collection} of ${project}`;
  const firestore = await connect(project);
  // Beside one document that need not exist, so that a collection of the console's shows what is in it.
  const batches = firestore.collection(`${collection}/log/batches`);
  const pending = new Set<Promise<unknown>>();
  let closed: Promise<void> | null = null;
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    // A call made or under way when the client is ended rejects a promise of its own that nobody can catch, which would end the process.
    if (closed !== null && pending.size === 0) throw endedClient(place);
    const call = guard(place, work);
    pending.add(call);
    try {
      return await call;
    } finally {
      pending.delete(call);
    }
  };
  const pieces = firestorePieces(firestore.collection(`${collection}/log/contents`), guarded);
  /** Calls that are parts of one under way are still made; once none is, no other begins. */
  const end = async (): Promise<void> => {
    while (pending.size > 0) await Promise.allSettled(pending);
    await firestore.terminate();
  };

  return {
    place,
    end: () =>
      guarded(async () => {
        const { docs } = await batches.orderBy("last", "desc").limit(1).get();
        const [newest] = docs;
        if (newest === undefined) return { header: null, last: null };
        const header = readJournalLine(String(newest.get("header")));
        const last = lastChange((await linesOf(newest, pieces)).at(-1), place);
        return { header: header.kind === "header" ? header.header : null, last };
      }),
    append: ({ header, after, lines }) =>
      guarded(async () => {
        const { docs } = await batches.orderBy("last", "desc").select("last").limit(1).get();
        if (Number(docs[0]?.get("last") ?? 0) !== after) return "moved";
        const text = lines.map((line) => line.text).join("\n");
        const isLong = Buffer.byteLength(text) > PIECE_BYTES;
        const hash = isLong ? sha256().update(text).digest("hex") : null;
        if (hash !== null) await putContent(pieces, hash, [Buffer.from(text)]);
        const last = lines.at(-1)?.change.seq ?? after;
        const batch = { after, last, header: headerToLine(header), lines: isLong ? null : text, content: hash };
        try {
          await batches.doc(String(after).padStart(16, "0")).create(batch);
          return "appended";
        } catch (error) {
          // Also by an attempt of this very call whose answer was lost: whoever looks where it ends finds out.
          if (codeOf(error) === ALREADY_EXISTS) return "moved";
          throw error;
        }
      }),
    async *read({ after }) {
      for (let from = after; ;) {
        const ofNext = batches.where("last", ">", from).orderBy("last").limit(PAGE);
        const { docs } = await guarded(() => ofNext.get());
        for (const batch of docs) {
          yield* entriesOf(batch, { from, lines: await guarded(() => linesOf(batch, pieces)), collection });
          from = Number(batch.get("last"));
        }
        if (docs.length < PAGE) return;
      }
    },
    hasContent: (hash) => hasContent(pieces, hash),
    putContent: (hash, content) => putContent(pieces, hash, content),
    openContent: (hash) => openContent(pieces, hash),
    close() {
      closed ??= end();
      return closed;
    },
    abandon() {
      closed ??= end();
      // Nobody waits for it, and what it could not say goodbye to is gone anyway.
      closed.catch(() => {});
    },
  };
}

function endedClient(place: string): PerdureError {
  return new PerdureError("store-unreachable", {
    message: `${place} is not used any more: its client was ended`,
    hint: "What is missing in the copy is made up for the next time.",
  });
}

async function connect(project: string): Promise<Firestore> {
  try {
    const { Firestore } = await import("@google-cloud/firestore");
    return new Firestore({ projectId: project });
  } catch (cause) {
    throw new PerdureError("unsupported", {
      message:
        "A copy of the change log in Firestore needs the package @google-cloud/firestore, which is not installed",
      hint: "Install it (npm install @google-cloud/firestore), or take the sink out of perdure.yaml.",
      cause,
    });
  }
}

async function linesOf(batch: QueryDocumentSnapshot, pieces: PieceStore): Promise<readonly JournalLine[]> {
  const lines: unknown = batch.get("lines");
  const content: unknown = batch.get("content");
  const text = typeof content === "string" ? await findText(pieces, content) : lines;
  if (typeof text !== "string") return [{ kind: "damaged", why: "its lines are missing" }];
  return text.split("\n").map(readJournalLine);
}

interface BatchAt {
  /** The change up to which was read. */
  readonly from: number;
  readonly lines: readonly JournalLine[];
  readonly collection: string;
}

function* entriesOf(batch: QueryDocumentSnapshot, { from, lines, collection }: BatchAt): Generator<LogEntry> {
  const place = `document ${batch.id} of ${collection}`;
  const after = Number(batch.get("after"));
  if (after > from) {
    const why = `the changes after ${from} up to ${after} are missing before it`;
    yield { line: { kind: "damaged", why }, isTerminated: true, place };
  }
  yield { line: readJournalLine(String(batch.get("header"))), isTerminated: true, place };
  for (const line of lines) {
    if (line.kind === "change" && line.change.seq <= from) continue;
    yield { line, isTerminated: true, place };
  }
}

function firestorePieces(
  contents: CollectionReference,
  guarded: <T>(work: () => Promise<T>) => Promise<T>,
): PieceStore {
  return {
    pieceBytes: PIECE_BYTES,
    find: (name) =>
      guarded(async () => {
        const bytes: unknown = (await contents.doc(name).get()).get("bytes");
        return bytes instanceof Uint8Array ? Buffer.from(bytes) : null;
      }),
    async put(name, bytes) {
      await guarded(() => contents.doc(name).set({ bytes }));
    },
  };
}

function codeOf(error: unknown): number | null {
  return error instanceof Error && "code" in error && typeof error.code === "number" ? error.code : null;
}

/** What the server or the network refuses is told as that; bugs stay as they are. */
async function guard<T>(place: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = codeOf(error);
    if (error instanceof PerdureError || code === null) throw error;
    const hints = new Map([
      [UNAVAILABLE, "Check that this machine reaches it."],
      [DEADLINE_EXCEEDED, "Check that this machine reaches it."],
      [NOT_FOUND, "Check the project, and that it has a Firestore database in native mode."],
    ]);
    throw new PerdureError("store-unreachable", {
      message: `${place[0]?.toUpperCase()}${place.slice(1)} fails: ${messageOf(error)}`,
      hint: hints.get(code) ?? "Check the project and who may write there (GOOGLE_APPLICATION_CREDENTIALS).",
      details: { place },
      cause: error,
    });
  }
}
