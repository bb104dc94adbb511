/** How many tokens a message takes: its texts, and whatever else it holds as a model is shown it, as JSON. */

import type { Json } from "../base/json.ts";
import { isJsonObject } from "../base/json.ts";
import type { MessageRole } from "../domain/message.ts";
import { loadTokenCounter } from "./token-counter.ts";

/** What providers add around each message: its role and where it begins and ends. */
const TOKENS_AROUND = 4;

export interface CountedMessage {
  readonly role: MessageRole;
  readonly parts: readonly Json[];
}

/** In their order. */
export async function countMessageTokens(messages: readonly CountedMessage[]): Promise<readonly number[]> {
  const counter = await loadTokenCounter();
  return messages.map(({ parts }) =>
    parts.reduce((total: number, part) => total + counter.count(textOf(part)), TOKENS_AROUND),
  );
}

function textOf(part: Json): string {
  if (!isJsonObject(part)) return JSON.stringify(part);
  if ((part.type === "text" || part.type === "reasoning") && typeof part.text === "string") return part.text;
  // Providers turn these into tokens of their own kind, which their bytes say nothing of.
  if (part.type === "file" || part.type === "image")
    return JSON.stringify({ ...part, data: undefined, image: undefined });
  return JSON.stringify(part);
}
