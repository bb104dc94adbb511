import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { seededRandom } from "../base/random.ts";
import { hasLost } from "../repair/report.ts";
import { appendMessages } from "../store/commands/messages.ts";
import { listSessions } from "../store/commands/session-queries.ts";
import { createSession } from "../store/commands/sessions.ts";
import { aSession } from "../testing/builders.ts";
import { aMessage } from "../testing/store-suite/messages-suite.ts";
import type { Project } from "./open-project.ts";
import { openProject } from "./open-project.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "perdure-jsonl-repair-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const journal = (): string => {
  const [name = ""] = readdirSync(join(directory, "data", "journal"));
  return join(directory, "data", "journal", name);
};

async function open(opensOnUse = false): Promise<Project> {
  const store = `jsonl:${join(directory, "data")}`;
  return await openProject({ directory, isExact: true, opensOnUse, store, durability: null, actor: "library" });
}

/** Sessions called 0 to 9, each with a message too large for a line, and one change of each name. */
async function aStore(): Promise<void> {
  const project = await open();
  for (let index = 0; index < 10; index++) {
    const { id } = await project.store.execute(createSession, aSession({ name: String(index) }));
    await project.store.execute(appendMessages, { sessionId: id, messages: [aMessage("x".repeat(70_000))] });
  }
  await project.close();
}

async function repair(isDryRun = false) {
  const project = await open(true);
  try {
    return await project.repairStore?.({ isDryRun, mayDiscard: false });
  } finally {
    await project.close();
  }
}

async function names(): Promise<readonly string[]> {
  const project = await open();
  const { sessions } = await project.store.execute(listSessions, { statuses: null, before: null, limit: 100 });
  await project.close();
  return sessions.map(({ name }) => name).toSorted();
}

const ALL = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

describe("repairing a store whose journal is all there is of it", () => {
  it("changes nothing that is whole, and goes on with it", async () => {
    await aStore();
    const before = readFileSync(journal());
    const project = await open(true);
    expect(await project.repairStore?.({ isDryRun: false, mayDiscard: false })).toMatchObject({
      damaged: [],
      replaced: [],
    });
    const page = await project.store.execute(listSessions, { statuses: null, before: null, limit: 100 });
    expect(page.sessions).toHaveLength(10);
    await project.close();
    expect(readFileSync(journal())).toEqual(before);
  });

  it.each(Array.from({ length: 12 }, (_, seed) => seed))(
    "makes it usable again, losing no more than the damaged line and naming it (seed %i)",
    async (seed) => {
      await aStore();
      const random = seededRandom(seed);
      const bytes = readFileSync(journal());
      const at = Math.floor(random.next() * (bytes.length - 8));
      bytes.write("\u0000\u0000XX", at);
      writeFileSync(journal(), bytes);
      await expect(open()).rejects.toMatchObject({ code: "store-damaged" });
      const tried = await repair(true);
      expect(readFileSync(journal())).toEqual(bytes);
      const report = await repair();
      expect(report).toEqual({ ...tried, keptIn: report?.keptIn });
      expect(report?.damaged.length).toBeGreaterThan(0);
      expect(readdirSync(report?.keptIn ?? "")).toContain("journal");
      const found = await names();
      expect(found.length).toBeGreaterThanOrEqual(9);
      if (found.length < ALL.length) expect(report !== undefined && hasLost(report)).toBe(true);
      expect(await repair()).toMatchObject({ damaged: [], replaced: [] });
    },
  );

  it("loses nothing with its first line, which only says whose it is", async () => {
    await aStore();
    const lines = readFileSync(journal(), "utf8").split("\n");
    writeFileSync(journal(), ["{", ...lines.slice(1)].join("\n"));
    await repair();
    expect(await names()).toEqual(ALL);
  });

  it("is refused while another has it open", async () => {
    await aStore();
    const other = await open();
    await expect(repair()).rejects.toMatchObject({ code: "conflict" });
    await other.close();
    await expect(repair()).resolves.toMatchObject({ damaged: [] });
  });
});
