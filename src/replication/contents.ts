/** Contents of any size in a place that takes pieces of a limited size: the pieces by number, and a last one that says how many. */

import { isJsonObject } from "../base/json.ts";
import type { Json } from "../base/json.ts";

/** Where pieces are kept, by name. Putting one again puts the same. */
export interface PieceStore {
  readonly pieceBytes: number;
  find(name: string): Promise<Buffer | null>;
  put(name: string, bytes: Buffer): Promise<void>;
}

export async function hasContent(pieces: PieceStore, hash: string): Promise<boolean> {
  return (await findCount(pieces, hash)) !== null;
}

export async function putContent(
  pieces: PieceStore,
  hash: string,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  let count = 0;
  let sizeBytes = 0;
  for await (const piece of piecesOf(content, pieces.pieceBytes)) {
    await pieces.put(pieceName(hash, count), piece);
    count += 1;
    sizeBytes += piece.length;
  }
  // Last: what it names is there by then.
  await pieces.put(hash, Buffer.from(JSON.stringify({ pieces: count, sizeBytes })));
}

export async function openContent(pieces: PieceStore, hash: string): Promise<AsyncIterable<Uint8Array> | null> {
  const count = await findCount(pieces, hash);
  return count === null ? null : readPieces(pieces, hash, count);
}

/** The whole content as text; `null` when it is not there. */
export async function findText(pieces: PieceStore, hash: string): Promise<string | null> {
  const content = await openContent(pieces, hash);
  if (content === null) return null;
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts).toString("utf8");
}

async function findCount(pieces: PieceStore, hash: string): Promise<number | null> {
  const said = await pieces.find(hash);
  if (said === null) return null;
  const parsed = JSON.parse(said.toString("utf8")) as Json;
  return isJsonObject(parsed) && typeof parsed.pieces === "number" ? parsed.pieces : null;
}

async function* readPieces(pieces: PieceStore, hash: string, count: number): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < count; index++) {
    const piece = await pieces.find(pieceName(hash, index));
    // Whoever checks the hash of the whole finds that something is missing.
    if (piece === null) return;
    yield piece;
  }
}

function pieceName(hash: string, index: number): string {
  return `${hash}.${index}`;
}

async function* piecesOf(
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  pieceBytes: number,
): AsyncGenerator<Buffer> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const chunk of content) {
    for (let from = 0; from < chunk.length;) {
      const part = chunk.subarray(from, from + pieceBytes - heldBytes);
      held.push(part);
      heldBytes += part.length;
      from += part.length;
      if (heldBytes < pieceBytes) continue;
      yield Buffer.concat(held);
      [held, heldBytes] = [[], 0];
    }
  }
  if (heldBytes > 0) yield Buffer.concat(held);
}
