/** A message as JSON. */

import * as v from "valibot";

import type { Message } from "../../domain/message.ts";
import { MESSAGE_ROLES } from "../../domain/message.ts";
import { toIso } from "./times.ts";

export const messageSchema = v.object({
  sessionId: v.string(),
  position: v.number(),
  role: v.picklist(MESSAGE_ROLES),
  parts: v.array(v.unknown()),
  tokenCount: v.number(),
  createdAt: v.string(),
});

export type MessageJson = v.InferInput<typeof messageSchema>;

export function messageToJson(message: Message): MessageJson {
  return { ...message, parts: [...message.parts], createdAt: toIso(message.createdAt) };
}
