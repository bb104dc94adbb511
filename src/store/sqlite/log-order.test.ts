/** SQLite reads the log from where it is asked to, in its order: what a read takes does not grow with the log. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { seededRandom } from "../../base/random.ts";
import type { ProjectId, SessionId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import { fakeClock } from "../../testing/fake-clock.ts";
import type { Command, CommandContext } from "../command.ts";
import type { ListChanges } from "../commands/changes.ts";
import { listChanges, newestSeq } from "../commands/changes.ts";
import { newestChange } from "../commands/checkpoint-rows.ts";
import { trimChanges } from "../commands/cleanup-log.ts";
import { readJournalPage } from "../commands/journal-pages.ts";
import { readRawChanges } from "../rebuild.ts";
import { openSqliteStore } from "./sqlite-store.ts";

const context: CommandContext = {
  projectId: asId<ProjectId>("project"),
  now: 0,
  actor: "test",
  dialect: "sqlite",
  uuid: () => "id",
  nextPart: () => 0,
};
const ofProject: ListChanges = {
  sessionId: null,
  taskId: null,
  kind: null,
  after: null,
  from: "newest",
  limit: 10,
};
const ofSession = { ...ofProject, sessionId: asId<SessionId>("session") };
const page = { after: 5, limit: 10, maxBytes: 1_000, inlineBytes: 1_000 };

let directory: string;
let database: DatabaseSync;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "perdure-log-order-"));
  const path = join(directory, "perdure.db");
  const clock = fakeClock();
  await openSqliteStore({ path, projectName: "test", actor: "test", clock, random: seededRandom(1) }).close();
  database = new DatabaseSync(path);
});
afterAll(() => {
  database.close();
  rmSync(directory, { recursive: true });
});

/** How SQLite finds the rows of every statement on the log, when each finds none. */
function plansOf(command: Command<unknown>): readonly string[] {
  const plans: string[] = [];
  for (let step = command.next([]); !step.done; step = command.next([])) {
    if (!("params" in step.value)) continue;
    const { sql, params } = step.value;
    if (!sql.includes("from changes")) continue;
    for (const { detail } of database.prepare(`explain query plan ${sql}`).all(...params)) plans.push(String(detail));
  }
  return plans;
}

describe("the change log", () => {
  it.each<[string, () => Command<unknown>]>([
    ["its newest change", () => newestChange(context)],
    ["its newest seq", () => newestSeq.perform(context, null)],
    ["what follows a change", () => readRawChanges.perform(context, { after: 5, limit: 10 })],
    ["the newest of it", () => listChanges.perform(context, ofProject)],
    ["a page of the journal", () => readJournalPage.perform(context, page)],
    ["what a cleanup removes", () => trimChanges.perform(context, { limit: 10 })],
  ])("is read by its order for %s", (_, command) => {
    const plans = plansOf(command());
    expect(plans.length).toBeGreaterThan(0);
    for (const plan of plans) expect(plan).toMatch(/^SEARCH changes USING INTEGER PRIMARY KEY/);
  });

  it("is read by session for what happened in one", () => {
    expect(plansOf(listChanges.perform(context, ofSession))).toEqual([
      "SEARCH changes USING INDEX changes_by_session (project_id=? AND session_id=? AND seq>?)",
    ]);
  });
});
