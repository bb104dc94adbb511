/** Appends messages to a session. */

import * as v from "valibot";

import type { Json } from "../base/json.ts";
import { toJsonText } from "../base/json.ts";
import { PerdureError } from "../base/errors.ts";
import { LIMITS } from "../domain/limits.ts";
import type { Message, MessageRole } from "../domain/message.ts";
import { MESSAGE_ROLES } from "../domain/message.ts";
import type { SessionId } from "../domain/ids.ts";
import { appendMessages } from "../store/commands/messages.ts";
import { sessionReference } from "./json/inputs.ts";
import { messageSchema, messageToJson } from "./json/message.ts";
import type { OperationContext } from "./operation.ts";
import { defineOperation } from "./operation.ts";
import { findSessionId } from "./references.ts";

export const messageAdd = defineOperation({
  name: "message-add",
  summary: "Appends messages to a session, all of them or none, with the tokens they take.",
  input: v.object({
    session: sessionReference,
    messages: v.pipe(
      v.array(
        v.object({
          role: v.picklist(MESSAGE_ROLES),
          /** A text, or parts as the AI SDK has them. */
          content: v.union([v.string(), v.array(v.any())]),
        }),
      ),
      v.nonEmpty("holds no message"),
      v.maxLength(LIMITS.messagesPerAppend, `holds more than ${LIMITS.messagesPerAppend} messages`),
    ),
  }),
  output: v.object({ items: v.array(messageSchema) }),
  async run(context, input) {
    const sessionId = await findSessionId(context, input.session);
    const appended = await addMessages(context, sessionId, input.messages);
    return { items: appended.map(messageToJson) };
  },
});

export interface MessageContent {
  readonly role: MessageRole;
  /** A text, or parts as the AI SDK has them: `{type: "text", text}`, tool calls and results, files. */
  readonly content: string | readonly unknown[];
}

/** Counts their tokens, then appends them. */
export async function addMessages(
  { store }: Pick<OperationContext, "store">,
  sessionId: SessionId,
  messages: readonly MessageContent[],
): Promise<readonly Message[]> {
  const { countMessageTokens } = await import("../context/message-tokens.ts");
  for (const [index, message] of messages.entries()) refuseOther(message, index);
  const plain = messages.map(({ role, content }, index) => ({ role, parts: partsOf(content, index) }));
  const counts = await countMessageTokens(plain);
  const counted = plain.map((message, index) => ({ ...message, tokenCount: counts[index] ?? 0 }));
  return await store.execute(appendMessages, { sessionId, messages: counted });
}

/** From code without types anything may come. */
function refuseOther(message: Partial<MessageContent>, index: number): void {
  const { role, content } = message;
  const isKnown = role !== undefined && MESSAGE_ROLES.includes(role);
  if (isKnown && (typeof content === "string" || Array.isArray(content))) return;
  throw new PerdureError("invalid-input", {
    message: isKnown
      ? `The content of message ${index} is neither a text nor a list of parts`
      : `The role of message ${index} is ${JSON.stringify(role) ?? "not said"}`,
    hint: `A message is { role, content }: the role one of ${MESSAGE_ROLES.join(", ")}, the content a text or parts.`,
  });
}

/** As they will be read back. */
function partsOf(content: string | readonly unknown[], index: number): readonly Json[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  return JSON.parse(toJsonText(content, `Message ${index}`)) as readonly Json[];
}
