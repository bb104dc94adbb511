/** One entry of the change log: who changed which columns of which row, from what to what. */

import type { Millis } from "../base/clock.ts";
import type { JsonObject } from "../base/json.ts";
import type { SessionId, TaskId } from "./ids.ts";

export interface Change {
  /** Ascending in the order of commits. */
  readonly seq: number;
  readonly sessionId: SessionId | null;
  readonly taskId: TaskId | null;
  readonly at: Millis;
  readonly actor: string;
  /** What was done, in a word: `create`, `claim`, `recover`, `complete`. */
  readonly verb: string;
  /** The table. */
  readonly entity: string;
  /** The row's key in it. */
  readonly rowKey: string;
  /** The changed columns as they were; `null` for a new row. */
  readonly before: JsonObject | null;
  /** The changed columns as they became; `null` for a deleted row. */
  readonly after: JsonObject | null;
  readonly note: string | null;
}
