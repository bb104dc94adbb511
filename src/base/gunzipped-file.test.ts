import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { readGunzipped } from "./gunzipped-file.ts";

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "perdure-gunzipped-"));
  path = join(directory, "text.gz");
});
afterEach(() => rmSync(directory, { recursive: true }));

async function textOf(file: string): Promise<string> {
  let text = "";
  for await (const chunk of readGunzipped(file) as AsyncIterable<Buffer>) text += chunk.toString();
  return text;
}

const TEXT = "some text, again and again\n".repeat(5_000);
/** That zlib sees only at the end, at once, in the middle; and what is no gzip at all. */
const DAMAGES: readonly ((whole: Buffer) => Buffer)[] = [
  (whole) => whole.subarray(0, -4),
  (whole) => whole.subarray(0, 12),
  (whole) => Buffer.concat([whole.subarray(0, whole.length / 2), whole.subarray(whole.length / 2 + 1)]),
  () => Buffer.from("half"),
];

describe("readGunzipped", () => {
  it("gives what was compressed", async () => {
    writeFileSync(path, gzipSync(TEXT));
    expect(await textOf(path)).toBe(TEXT);
  });

  it("tells of damage every time, whichever of the two streams is the first to end", async () => {
    for (let round = 0; round < 100; round++) {
      for (const [index, damage] of DAMAGES.entries()) {
        writeFileSync(path, damage(gzipSync(TEXT.slice(0, 1 + round * 1_000))));
        await expect(textOf(path), `${round} ${index}`).rejects.toThrow();
      }
    }
  });

  it("tells of a file that is not there", async () => {
    await expect(textOf(path)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it.runIf(process.platform === "linux")("closes the file when its reader stops before the end", async () => {
    writeFileSync(path, gzipSync(Buffer.from(Array.from({ length: 2 << 20 }, (_, index) => (index * index) % 251))));
    for await (const chunk of readGunzipped(path)) {
      expect(chunk).toBeDefined();
      break;
    }
    await expect.poll(() => openFiles()).not.toContain(path);
  });
});

function openFiles(): readonly string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      // The one that this list was read by.
      return [];
    }
  });
}
