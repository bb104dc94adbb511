/** A message of a session: append-only, in order. Those a model sees are its context. */

import type { Millis } from "../base/clock.ts";
import type { Json } from "../base/json.ts";
import type { SessionId } from "./ids.ts";

export const MESSAGE_ROLES = ["system", "user", "assistant", "tool"] as const;
export type MessageRole = (typeof MESSAGE_ROLES)[number];

export interface Message {
  readonly sessionId: SessionId;
  /** From 0, without gaps. */
  readonly position: number;
  readonly role: MessageRole;
  /** As the AI SDK has them: `{type: "text", text}`, tool calls and results, files. */
  readonly parts: readonly Json[];
  readonly tokenCount: number;
  readonly createdAt: Millis;
}

/** What a session's messages come to. */
export interface MessageTotals {
  readonly count: number;
  readonly tokenCount: number;
}
