import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import {
  brokenEndBytes,
  brokenStartBytes,
  type FinishedOutput,
  openBoundedOutput,
  TAIL_BYTES,
} from "./bounded-output.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "perdure-output-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

async function written(
  chunks: readonly Buffer[],
  limitBytes: number,
): Promise<FinishedOutput & { readonly file: Buffer }> {
  const own = mkdtempSync(join(directory, "one-"));
  const path = join(own, "output");
  const output = await openBoundedOutput({ path, ringPath: join(own, "ring"), limitBytes });
  for (const chunk of chunks) await output.write(chunk);
  const finished = await output.finish();
  return { ...finished, file: readFileSync(path) };
}

describe("openBoundedOutput", () => {
  it("keeps everything up to the limit", async () => {
    const { file, leftOutBytes, tail } = await written([Buffer.from("0123"), Buffer.from("456789")], 10);
    expect(file.toString()).toBe("0123456789");
    expect(leftOutBytes).toBe(0);
    expect(tail.toString()).toBe("0123456789");
  });

  it("leaves out the middle beyond the limit, and says how much", async () => {
    const { file, leftOutBytes, sizeBytes } = await written(
      [..."abcdefghijklmnopqrstuvwxyz"].map((letter) => Buffer.from(letter)),
      10,
    );
    expect(file.toString()).toBe("abcde\n… 16 bytes left out …\nvwxyz");
    expect(leftOutBytes).toBe(16);
    expect(sizeBytes).toBe(26);
  });

  it("cuts no character in half", async () => {
    // Four bytes each: a limit of 18 would cut both after 9 bytes and before the last 9.
    const { file, leftOutBytes } = await written([Buffer.from("😀".repeat(10))], 18);
    expect(file.toString()).toBe("😀😀\n… 24 bytes left out …\n😀😀");
    expect(leftOutBytes).toBe(24);
  });

  it("keeps only the end in memory", async () => {
    const { tail } = await written([Buffer.alloc(3 * TAIL_BYTES, "a"), Buffer.from("end")], 1 << 20);
    expect(tail.length).toBe(TAIL_BYTES);
    expect(tail.toString().endsWith("aend")).toBe(true);
  });

  it("keeps the first and the last half of any bytes in any chunks", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 12 }),
        fc.integer({ min: 2, max: 60 }),
        async (chunks, limitBytes) => {
          const ascii = chunks.map((chunk) => Buffer.from(chunk.map((byte) => byte & 0x7f)));
          const all = Buffer.concat(ascii);
          const { file } = await written(ascii, limitBytes);
          if (all.length <= limitBytes) {
            expect(file).toEqual(all);
            return;
          }
          const headBytes = Math.floor(limitBytes / 2);
          const marker = Buffer.from(`\n… ${all.length - limitBytes} bytes left out …\n`);
          const end = all.subarray(all.length - (limitBytes - headBytes));
          expect(file).toEqual(Buffer.concat([all.subarray(0, headBytes), marker, end]));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("goes on when the disk refuses, and says why", async () => {
    const path = join(directory, "output");
    const ringPath = join(directory, "missing", "ring");
    const output = await openBoundedOutput({ path, ringPath, limitBytes: 4 });
    await output.write(Buffer.from("abcdefgh"));
    await output.write(Buffer.from("ij"));
    const { failure, sizeBytes, tail } = await output.finish();
    expect(failure).toMatchObject({ code: "ENOENT" });
    expect(sizeBytes).toBe(10);
    expect(tail.toString()).toBe("abcdefghij");
  });
});

describe("brokenEndBytes", () => {
  it.each([
    ["", 0],
    ["a", 0],
    ["é", 0],
    ["😀", 0],
  ])("finds nothing wrong with %j", (text, expected) => {
    expect(brokenEndBytes(Buffer.from(text))).toBe(expected);
  });

  it("counts what a character lacks the end of", () => {
    expect(brokenEndBytes(Buffer.from("aé").subarray(0, 2))).toBe(1);
    expect(brokenEndBytes(Buffer.from("a😀").subarray(0, 4))).toBe(3);
  });
});

describe("brokenStartBytes", () => {
  it("counts the rest of a character begun before", () => {
    expect(brokenStartBytes(Buffer.from("😀a").subarray(1))).toBe(3);
    expect(brokenStartBytes(Buffer.from("a"))).toBe(0);
  });
});
