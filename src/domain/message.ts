/** A message of a session: append-only, in order. Those a model sees are its context. */

import type { Millis } from "../base/clock.ts";
import type { Json } from "../base/json.ts";
import type { SessionId } from "./ids.ts";

export type MessageRole = "system" | "user" | "assistant" | "tool";

export interface Message {
  readonly sessionId: SessionId;
  /** From 0, without gaps. */
  readonly position: number;
  readonly role: MessageRole;
  readonly parts: readonly Json[];
  readonly tokenCount: number;
  readonly createdAt: Millis;
}
