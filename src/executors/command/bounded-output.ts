/**
 * A command's output on disk, with a limit: the first half of the limit is kept in one file, the newest half in a second
 * one that is overwritten in a circle, and at the end both become one. Memory stays at a few chunks whatever is written.
 */

import { type FileHandle, open } from "node:fs/promises";

const COPY_CHUNK_BYTES = 64 << 10;
/** How much of the end is kept in memory, for the task's result and its error. */
export const TAIL_BYTES = 4 << 10;

export interface BoundedOutput {
  /** Call in order, one at a time. Never fails: once the disk refuses, the rest is only counted and `finish` says why. */
  write(chunk: Buffer): Promise<void>;
  /** Joins both halves in the file and closes it. Call once, after the last write. */
  finish(): Promise<FinishedOutput>;
}

export interface FinishedOutput {
  /** Of everything that was written. */
  readonly sizeBytes: number;
  /** Not in the file. */
  readonly leftOutBytes: number;
  /** The last bytes written, at most `TAIL_BYTES`. */
  readonly tail: Buffer;
  /** Why the file is not what it should be. */
  readonly failure: unknown;
}

export async function openBoundedOutput(options: {
  readonly path: string;
  /** For the second half; the caller removes it with its directory. */
  readonly ringPath: string;
  readonly limitBytes: number;
}): Promise<BoundedOutput> {
  const headBytes = Math.floor(options.limitBytes / 2);
  const ringBytes = options.limitBytes - headBytes;
  const head = await open(options.path, "wx+", 0o600);
  let ring: FileHandle | null = null;
  let sizeBytes = 0;
  let tail: Buffer = Buffer.alloc(0);
  let failure: unknown = null;

  async function store(chunk: Buffer, at: number): Promise<void> {
    const forHead = chunk.subarray(0, Math.max(0, headBytes - at));
    if (forHead.length > 0) await writeAt(head, forHead, at);
    if (forHead.length === chunk.length) return;
    ring ??= await open(options.ringPath, "wx+", 0o600);
    // Of a chunk larger than the ring only the end would survive.
    const skipped = Math.max(forHead.length, chunk.length - ringBytes);
    let rest = chunk.subarray(skipped);
    let offset = (at + skipped - headBytes) % ringBytes;
    while (rest.length > 0) {
      const part = rest.subarray(0, ringBytes - offset);
      await writeAt(ring, part, offset);
      rest = rest.subarray(part.length);
      offset = 0;
    }
  }

  async function join(): Promise<number> {
    if (ring === null) return 0;
    const toRingBytes = sizeBytes - headBytes;
    if (toRingBytes <= ringBytes) {
      await copyRange(ring, head, { from: 0, to: toRingBytes, at: headBytes });
      return 0;
    }
    const oldest = toRingBytes % ringBytes;
    const keptHead = headBytes - brokenEndBytes(await readRange(head, headBytes - 4, headBytes));
    const skippedRing = brokenStartBytes(await readCircle(ring, oldest, ringBytes));
    const leftOutBytes = sizeBytes - keptHead - (ringBytes - skippedRing);
    const marker = Buffer.from(`\n… ${leftOutBytes} bytes left out …\n`);
    await writeAt(head, marker, keptHead);
    const start = oldest + skippedRing;
    const at = keptHead + marker.length;
    if (start < ringBytes) await copyRange(ring, head, { from: start, to: ringBytes, at });
    const wrapped = Math.max(0, start - ringBytes);
    const atWrapped = at + Math.max(0, ringBytes - start);
    await copyRange(ring, head, { from: wrapped, to: oldest, at: atWrapped });
    await head.truncate(atWrapped + oldest - wrapped);
    return leftOutBytes;
  }

  return {
    async write(chunk) {
      const at = sizeBytes;
      sizeBytes += chunk.length;
      tail = Buffer.concat([tail, chunk.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES);
      if (failure !== null) return;
      try {
        await store(chunk, at);
      } catch (error) {
        failure = error;
      }
    },
    async finish() {
      let leftOutBytes = 0;
      try {
        if (failure === null) leftOutBytes = await join();
      } catch (error) {
        failure = error;
      } finally {
        await ring?.close();
        await head.close();
      }
      return { sizeBytes, leftOutBytes, tail, failure };
    },
  };
}

/** How many bytes at the end begin a UTF-8 character without finishing it. */
export function brokenEndBytes(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(4, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (isContinuation(byte)) continue;
    return back < characterBytes(byte) ? back : 0;
  }
  return 0;
}

/** How many bytes at the start belong to a UTF-8 character begun before. */
export function brokenStartBytes(bytes: Buffer): number {
  const first = bytes.subarray(0, 4).findIndex((byte) => !isContinuation(byte));
  return Math.max(0, first);
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

function characterBytes(lead: number): number {
  if (lead >= 0xf0) return 4;
  if (lead >= 0xe0) return 3;
  return lead >= 0xc0 ? 2 : 1;
}

async function writeAt(file: FileHandle, bytes: Buffer, at: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done);
    done += bytesWritten;
  }
}

async function readRange(file: FileHandle, from: number, to: number): Promise<Buffer> {
  const start = Math.max(0, from);
  const buffer = Buffer.alloc(Math.max(0, to - start));
  const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
  return buffer.subarray(0, bytesRead);
}

/** The four oldest bytes of a full ring. */
async function readCircle(ring: FileHandle, oldest: number, ringBytes: number): Promise<Buffer> {
  const upToEnd = await readRange(ring, oldest, Math.min(ringBytes, oldest + 4));
  const fromStart = await readRange(ring, 0, Math.min(oldest, 4 - upToEnd.length));
  return Buffer.concat([upToEnd, fromStart]);
}

async function copyRange(
  source: FileHandle,
  target: FileHandle,
  { from, to, at }: { readonly from: number; readonly to: number; readonly at: number },
): Promise<void> {
  for (let offset = from; offset < to; offset += COPY_CHUNK_BYTES) {
    const bytes = await readRange(source, offset, Math.min(to, offset + COPY_CHUNK_BYTES));
    await writeAt(target, bytes, at + offset - from);
  }
}
