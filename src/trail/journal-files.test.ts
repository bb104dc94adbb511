import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { changeToLine, headerToLine } from "../store/journal-line.ts";
import type { RawChange } from "../store/rebuild.ts";
import type { JournalEntry } from "./journal-files.ts";
import { listJournalMonths, monthOf, readJournal, readJournalFile } from "./journal-files.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "perdure-journal-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const HEADER = headerToLine({ projectId: "p1", projectName: "a project", projectCreatedAt: 1_763_715_600_000 });

function line(seq: number, options: { readonly note?: string; readonly isEnd?: boolean } = {}): string {
  const change: RawChange = {
    seq,
    sessionId: null,
    taskId: null,
    at: 1_763_715_600_000 + seq,
    actor: "test",
    verb: "edit",
    entity: "sessions",
    rowKey: "s1",
    before: '{"name":"a"}',
    after: '{"name":"ü"}',
    note: options.note ?? null,
    part: 0,
  };
  return changeToLine(change, { isEnd: options.isEnd ?? true, findBlob: () => null });
}

function write(name: string, ...lines: readonly string[]): Buffer {
  const text = Buffer.from(lines.map((each) => `${each}\n`).join(""));
  writeFileSync(join(directory, name), name.endsWith(".gz") ? gzipSync(text) : text);
  return text;
}

async function all(entries: AsyncIterable<JournalEntry>): Promise<readonly JournalEntry[]> {
  const found: JournalEntry[] = [];
  for await (const entry of entries) found.push(entry);
  return found;
}

/** `header`, the seq of a change, or `damaged`. */
function kinds(entries: readonly JournalEntry[]): readonly (string | number)[] {
  return entries.map(({ line: { kind, ...rest } }) => (kind === "change" && "change" in rest ? rest.change.seq : kind));
}

describe("listJournalMonths", () => {
  it("gives the months in order and leaves other files alone", async () => {
    for (const name of ["2026-11.jsonl", "2026-09.jsonl.gz", "2026-10.jsonl.gz", "2026-10.jsonl"]) write(name, HEADER);
    for (const name of ["lock", "2026-10.jsonl.gz.tmp", "notes.jsonl"]) write(name, "x");
    const months = await listJournalMonths(directory);
    expect(months.map(({ month, plain, compressed }) => [month, plain !== null, compressed !== null])).toEqual([
      ["2026-09", false, true],
      ["2026-10", true, true],
      ["2026-11", true, false],
    ]);
  });

  it("gives none for a directory that is not there", async () => {
    expect(await listJournalMonths(join(directory, "nowhere"))).toEqual([]);
  });
});

describe("readJournal", () => {
  it("yields every line of every month in order, each with its place", async () => {
    write("2026-09.jsonl.gz", HEADER, line(1), line(2));
    const text = write("2026-10.jsonl", HEADER, line(3), line(4));
    const entries = await all(readJournal(directory));
    expect(kinds(entries)).toEqual(["header", 1, 2, "header", 3, 4]);
    const last = entries.at(-1);
    expect(last).toMatchObject({ file: join(directory, "2026-10.jsonl"), lineNumber: 3, isTerminated: true });
    const from = last?.offset ?? 0;
    expect(text.subarray(from, from + (last?.sizeBytes ?? 0)).toString()).toBe(`${line(4)}\n`);
  });

  it("reads a month that is there twice once", async () => {
    write("2026-09.jsonl", HEADER, line(1));
    write("2026-09.jsonl.gz", HEADER, line(1));
    expect(kinds(await all(readJournal(directory)))).toEqual(["header", 1]);
  });

  it("yields a torn last line as damaged, and a missing header not at all", async () => {
    writeFileSync(join(directory, "2026-10.jsonl"), `${line(1)}\n${line(2).slice(0, -9)}`);
    const entries = await all(readJournal(directory));
    expect(kinds(entries)).toEqual([1, "damaged"]);
    expect(entries.map(({ isTerminated }) => isTerminated)).toEqual([true, false]);
  });

  it("yields what is damaged in its place and goes on behind it", async () => {
    write("2026-10.jsonl", HEADER, line(1).replace("edit", "exit"), line(2), "", "\0\0\0", line(3));
    expect(kinds(await all(readJournal(directory)))).toEqual(["header", "damaged", 2, "damaged", "damaged", 3]);
  });

  it("tells lines apart whose break was damaged", async () => {
    write(
      "2026-10.jsonl",
      HEADER,
      `${line(1)}\r${line(2)}`,
      `${line(3)} and so ${line(4)}`,
      `${line(5).slice(1)}x${line(6)}`,
    );
    expect(kinds(await all(readJournal(directory)))).toEqual(["header", 1, 2, 3, "damaged", 4, "damaged", 6]);
  });

  it("says where a damaged compressed month cannot be read on, and reads the next", async () => {
    const lines = Array.from({ length: 2_000 }, (_, index) => line(index + 1, { note: `${index * 7919}` }));
    const zipped = gzipSync(`${lines.join("\n")}\n`);
    writeFileSync(join(directory, "2026-09.jsonl.gz"), zipped.subarray(0, zipped.length / 2));
    write("2026-10.jsonl", HEADER, line(3_000));
    const entries = await all(readJournal(directory));
    expect(kinds(entries).slice(0, 2)).toEqual([1, 2]);
    expect(entries.length).toBeGreaterThan(500);
    expect(kinds(entries).slice(-3)).toEqual(["damaged", "header", 3_000]);
    expect(JSON.stringify(entries.at(-3)?.line)).toContain("cannot be read on");
  });

  it("begins where it is told, also in a compressed file", async () => {
    const text = write("2026-09.jsonl.gz", HEADER, line(1), line(2));
    write("2026-10.jsonl", HEADER, line(1), line(2));
    const fromOffset = text.indexOf(line(2));
    for (const name of ["2026-09.jsonl.gz", "2026-10.jsonl"]) {
      const entries = await all(readJournalFile(join(directory, name), { fromOffset }));
      expect(kinds(entries)).toEqual([2]);
      expect(entries[0]?.offset).toBe(fromOffset);
    }
  });
});

describe("monthOf", () => {
  it("is the month in UTC", () => {
    expect(monthOf(Date.parse("2026-10-31T23:59:59.999Z"))).toBe("2026-10");
    expect(monthOf(Date.parse("2026-10-31T23:30:00-02:00"))).toBe("2026-11");
  });
});
