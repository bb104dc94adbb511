/** `perdure.sessions.messages`: the conversation of a session, from code. */

import type { Message, MessageTotals } from "../domain/message.ts";
import { fromCursor, toCursor } from "../operations/json/page.ts";
import type { MessageContent } from "../operations/message-add.ts";
import { addMessages } from "../operations/message-add.ts";
import { getMessageTotals, listMessages } from "../store/commands/messages.ts";
import { resolveSession } from "../store/commands/task-queries.ts";
import type { Page } from "./library-sessions.ts";
import { checkedCalls } from "./checked-calls.ts";
import { MESSAGE_SHAPES } from "./library-shapes.ts";
import type { Project } from "./open-project.ts";

export interface Messages {
  /**
   * Appends messages, all or none, with the tokens they take; durable when this resolves. Appenders at once get positions
   * without gaps.
   *
   * @throws PerdureError `not-found`, `wrong-state` for a cancelled session, `limit-reached`, `invalid-input`
   */
  append(session: string, messages: MessageContent | readonly MessageContent[]): Promise<readonly Message[]>;
  /** A page from either end. Default: the oldest first, 100 of them. */
  list(
    session: string,
    options?: { readonly order?: "oldest" | "newest"; readonly cursor?: string | null; readonly limit?: number },
  ): Promise<Page<Message>>;
  /** How many there are and the tokens they take. */
  totals(session: string): Promise<MessageTotals>;
}

export function libraryMessages(project: Project): Messages {
  const { store } = project;
  const find = (reference: string) => store.execute(resolveSession, { reference });
  const api: Messages = {
    append: async (session, messages) => await addMessages(project, await find(session), [messages].flat()),
    async list(session, { order = "oldest", cursor = null, limit = 100 } = {}) {
      const input = { sessionId: await find(session), order, from: fromCursor(cursor), limit };
      const { messages, next } = await store.execute(listMessages, input);
      return { items: messages, nextCursor: toCursor(next) };
    },
    totals: async (session) => await store.execute(getMessageTotals, { sessionId: await find(session) }),
  };
  return checkedCalls("perdure.sessions.messages", api, MESSAGE_SHAPES);
}
