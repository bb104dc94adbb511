/** An entry of a session's working memory. */

import type { Millis } from "../base/clock.ts";
import type { Json } from "../base/json.ts";
import type { SessionId } from "./ids.ts";

export interface MemoryEntry {
  readonly sessionId: SessionId;
  readonly key: string;
  readonly value: Json;
  /** 0–1; less important entries are evicted first. */
  readonly importance: number;
  readonly sizeBytes: number;
  /** `null` never expires. */
  readonly expiresAt: Millis | null;
  readonly createdAt: Millis;
  readonly updatedAt: Millis;
}
