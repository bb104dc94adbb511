/**
 * LangGraph's checkpoint saver on `node:sqlite`: its own driver, better-sqlite3, does not install everywhere this runs. It
 * writes the whole state at every checkpoint.
 */

import { DatabaseSync } from "node:sqlite";

import type { SqliteSaver } from "@langchain/langgraph-checkpoint-sqlite";

export interface OpenedSaver {
  readonly saver: SqliteSaver;
  close(): void;
}

export async function openSaver(path: string): Promise<OpenedSaver> {
  const library = await import("@langchain/langgraph-checkpoint-sqlite");
  const database = new DatabaseSync(path);
  // What it calls of its driver to put a checkpoint.
  const saver = new library.SqliteSaver({
    pragma: (statement) => database.exec(`pragma ${statement}`),
    exec: (sql) => database.exec(sql),
    prepare: (sql) => {
      const statement = database.prepare(sql);
      // What is not given is null to that driver.
      return { run: (...params) => statement.run(...params.map((param) => param ?? null)) };
    },
  });
  database.exec("pragma synchronous = full");
  return { saver, close: () => database.close() };
}

export interface SavedState {
  readonly turn: number;
  readonly messages: readonly unknown[];
  readonly config: Readonly<Record<string, unknown>>;
}

/** Returns the configuration that the next put goes on from. */
export async function putState(
  saver: SqliteSaver,
  { turn, messages, config }: SavedState,
): Promise<SavedState["config"]> {
  const checkpoint = {
    v: 4,
    id: `1ef00000-0000-6000-8000-${String(turn).padStart(12, "0")}`,
    ts: new Date().toISOString(),
    channel_values: { messages: [...messages] },
    channel_versions: { messages: turn + 1 },
    versions_seen: {},
  };
  return await saver.put(config, checkpoint, { source: "loop", step: turn, parents: {} });
}
