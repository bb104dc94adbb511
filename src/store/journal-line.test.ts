import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { sha256 } from "../base/sha256.ts";
import type { JournalLine } from "./journal-line.ts";
import { blobsOfChange, changeToLine, headerToLine, readJournalLine } from "./journal-line.ts";
import type { RawChange } from "./rebuild.ts";

function aChange(change: Partial<RawChange> = {}): RawChange {
  return {
    seq: 7,
    sessionId: "s1",
    taskId: null,
    at: 1_763_715_600_123,
    actor: "cli",
    verb: "complete",
    entity: "executions",
    rowKey: "e1",
    before: JSON.stringify({ status: "running", result: null }),
    after: JSON.stringify({ status: "completed", result: '{"rows":[1,2]}' }),
    note: null,
    part: 0,
    ...change,
  };
}

function opened(line: string): Extract<JournalLine, { kind: "change" }> {
  const read = readJournalLine(line);
  if (read.kind !== "change") throw new Error(`read as ${JSON.stringify(read)}`);
  return read;
}

const noBlobs = { isEnd: false, findBlob: (): null => null };

describe("changeToLine", () => {
  it("shows values as what they are and not as text in text", () => {
    const line: unknown = JSON.parse(changeToLine(aChange(), noBlobs));
    expect(line).toMatchObject({ at: "2025-11-21T09:00:00.123Z", after: { result: { rows: [1, 2] } } });
  });

  it("tells the value null from no value", () => {
    const after = JSON.stringify({ result: "null", error: null });
    expect(opened(changeToLine(aChange({ after }), noBlobs)).change.after).toBe(after);
  });

  it("shows blobs of moderate size and gives them back as blobs", () => {
    const text = JSON.stringify([{ type: "text", text: "x".repeat(500) }]);
    const hash = sha256().update(text).digest("hex");
    const after = JSON.stringify({ role: "user", parts: `@sha256:${hash}` });
    const change = aChange({ entity: "messages", rowKey: '["s1",0]', before: null, after });
    expect(blobsOfChange(change)).toEqual([hash]);
    const read = opened(changeToLine(change, { isEnd: true, findBlob: () => text }));
    expect(read).toMatchObject({ change, isEnd: true, files: [] });
    expect([...read.blobs]).toEqual([[hash, text]]);
  });

  it("leaves values above 64 KiB to files", () => {
    const text = JSON.stringify("x".repeat(70_000));
    const hash = sha256().update(text).digest("hex");
    const after = JSON.stringify({ result: `@sha256:${hash}`, status: "completed" });
    const line = changeToLine(aChange({ after }), { isEnd: false, findBlob: () => text });
    expect(line.length).toBeLessThan(600);
    expect(opened(line)).toMatchObject({ change: { after }, files: [hash] });
  });

  it("is read back exactly, whatever it holds", () => {
    const json = fc.json({ noUnicodeString: false });
    const columns = fc.record(
      { status: fc.string(), result: fc.option(json.map((text) => JSON.stringify(JSON.parse(text)))), fence: fc.nat() },
      { requiredKeys: [] },
    );
    const logged = fc.option(columns.map((values) => JSON.stringify(values)));
    const change = fc.record({
      seq: fc.integer({ min: 1 }),
      sessionId: fc.option(fc.uuid()),
      taskId: fc.option(fc.uuid()),
      at: fc.integer({ min: 0, max: 4e12 }),
      actor: fc.string({ unit: "binary" }),
      verb: fc.string(),
      entity: fc.constantFrom("executions", "sessions", "unheard of"),
      rowKey: fc.string(),
      before: logged,
      after: logged,
      note: fc.option(fc.string({ unit: "grapheme" })),
      part: fc.nat({ max: 1_000 }),
    });
    fc.assert(
      fc.property(change, fc.boolean(), (aRecord, isEnd) => {
        const read = opened(changeToLine(aRecord, { isEnd, findBlob: () => null }));
        expect(read).toMatchObject({ change: aRecord, isEnd });
      }),
    );
  });
});

describe("readJournalLine", () => {
  it("reads the header", () => {
    const header = { projectId: "p1", projectName: "a project", projectCreatedAt: 1_763_715_600_000 };
    expect(readJournalLine(headerToLine(header))).toEqual({ kind: "header", header });
  });

  it("takes any change of a byte for damage", () => {
    const line = changeToLine(aChange(), noBlobs);
    for (let index = 0; index < line.length; index += 1) {
      const flipped = String.fromCodePoint((line.codePointAt(index) ?? 0) ^ 1);
      const damaged = line.slice(0, index) + flipped + line.slice(index + 1);
      expect(readJournalLine(damaged).kind, damaged).toBe("damaged");
    }
  });

  it.each(["", "{", "null", "[]", '{"seq":1}'])("takes %j for damage", (line) => {
    expect(readJournalLine(line).kind).toBe("damaged");
  });
});
