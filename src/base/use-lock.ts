/**
 * Who uses a store: any number of processes at once, or one alone that repairs it. The operating system gives it back
 * when its holder dies. SQLite's locks on an empty file do this; nothing is ever written to it.
 */

import { messageOf } from "./errors.ts";

export interface HeldUse {
  /** Safe to repeat. */
  end(): void;
}

/** `null` while one uses it alone. */
export function useTogether(path: string): HeldUse | null {
  return hold(path, "begin; select name from sqlite_schema");
}

/** `null` while anyone uses it. */
export function useAlone(path: string): HeldUse | null {
  return hold(path, "begin exclusive");
}

function hold(path: string, sql: string): HeldUse | null {
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec(sql);
  } catch (error) {
    database.close();
    if (/locked/.test(messageOf(error))) return null;
    throw error;
  }
  let isHeld = true;
  return {
    end() {
      if (isHeld) database.close();
      isHeld = false;
    },
  };
}
