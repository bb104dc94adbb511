/** Messages of a session: appended in order, never changed, read a page at a time from either end. */

import { PerdureError } from "../../base/errors.ts";
import type { SessionId } from "../../domain/ids.ts";
import { LIMITS } from "../../domain/limits.ts";
import type { Message, MessageRole, MessageTotals } from "../../domain/message.ts";
import type { Json } from "../../base/json.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { defineRead, defineWrite, oneOf, oneRow, rows } from "../command.ts";
import { integer, rowToMessage, text } from "../entity-rows.ts";
import { insertRow } from "../rows.ts";
import { columnsOf, inlineBytesOf, MESSAGES } from "../tables.ts";
import { blobHashOf, storeValue, withValues } from "../values.ts";
import { sessionRow } from "./session-rows.ts";

export interface NewMessage {
  readonly role: MessageRole;
  readonly parts: readonly Json[];
  /** Counted by whoever appends it. */
  readonly tokenCount: number;
}

export interface AppendMessages {
  readonly sessionId: SessionId;
  readonly messages: readonly NewMessage[];
}

/**
 * Appends all of them or none. Appenders take turns, so positions have no gaps and no duplicates.
 *
 * @throws PerdureError `not-found`; `wrong-state` for a cancelled session; `limit-reached`
 */
export const appendMessages = defineWrite("append-messages", function* (context, input: AppendMessages): Command<
  readonly Message[]
> {
  const session = yield* sessionRow(context, input.sessionId);
  if (session.status === "cancelled") throw cancelledSession(session);
  const first = yield* countMessages(context, input.sessionId);
  refuseTooMany(session, { present: first, added: input.messages.length });
  const appended: Message[] = [];
  for (const [index, message] of input.messages.entries()) {
    const what = `Message ${first + index} of session ${text(session.name)}`;
    refuseTooLarge(message, what);
    const values = {
      session_id: input.sessionId,
      position: first + index,
      role: message.role,
      parts: yield* storeValue(message.parts, what, inlineBytesOf(MESSAGES, "parts")),
      token_count: message.tokenCount,
      created_at: context.now,
    };
    const row = yield* insertRow(context, MESSAGES, values, { verb: "append" });
    appended.push(rowToMessage({ ...row, parts: JSON.stringify(message.parts) }));
  }
  return appended;
});

function cancelledSession(session: Row): PerdureError {
  return new PerdureError("wrong-state", {
    message: `Session ${text(session.name)} is cancelled and takes no more messages`,
    hint: "Start a new session: `perdure session create NAME`.",
    details: { sessionId: session.id },
  });
}

function refuseTooMany(session: Row, { present, added }: { readonly present: number; readonly added: number }): void {
  if (present + added <= LIMITS.messagesPerSession) return;
  throw new PerdureError("limit-reached", {
    message: `Session ${text(session.name)} has ${present} messages; ${added} more are over its limit of ${LIMITS.messagesPerSession}`,
    hint: "Go on in a new session.",
    details: { sessionId: session.id, present, limit: LIMITS.messagesPerSession },
  });
}

function refuseTooLarge({ parts }: NewMessage, what: string): void {
  if (parts.length > LIMITS.partsPerMessage) {
    throw new PerdureError("limit-reached", {
      message: `${what} has ${parts.length} parts; at most ${LIMITS.partsPerMessage} are kept`,
      hint: "Append several messages instead of one.",
      details: { parts: parts.length, limit: LIMITS.partsPerMessage },
    });
  }
  const sizeBytes = Buffer.byteLength(JSON.stringify(parts));
  if (sizeBytes <= LIMITS.messageBytes) return;
  throw new PerdureError("limit-reached", {
    message: `${what} takes ${sizeBytes} bytes as JSON; at most ${LIMITS.messageBytes} are kept`,
    hint: "Keep large data in a file or as an artifact, and say in the message where it is.",
    details: { sizeBytes, limitBytes: LIMITS.messageBytes },
  });
}

/** Positions have no gaps, so the last one tells. */
function* countMessages(context: CommandContext, sessionId: SessionId): Command<number> {
  const sql = "select position from messages where project_id = ? and session_id = ? order by position desc limit 1";
  const last = yield* oneRow(sql, context.projectId, sessionId);
  return last === null ? 0 : integer(last.position) + 1;
}

export interface ListMessages {
  readonly sessionId: SessionId;
  /** `oldest`: what comes after `from`, upwards. `newest`: what comes before it, downwards. */
  readonly order: "oldest" | "newest";
  /** The position the page before ended at; `null` begins at that end. */
  readonly from: number | null;
  readonly limit: number;
}

export interface MessagePage {
  /** In the order asked for. */
  readonly messages: readonly Message[];
  /** The `from` of the next page. */
  readonly next: number | null;
}

export const listMessages = defineRead("list-messages", function* (context, input: ListMessages): Command<MessagePage> {
  const isUp = input.order === "oldest";
  const sql = `select ${columnsOf(MESSAGES)} from messages
    where project_id = ? and session_id = ? and position ${isUp ? ">" : "<"} ? order by position ${isUp ? "asc" : "desc"} limit ?`;
  const from = input.from ?? (isUp ? -1 : Number.MAX_SAFE_INTEGER);
  const found = yield* rows(sql, context.projectId, input.sessionId, from, input.limit + 1);
  const page = yield* withParts(found.slice(0, input.limit));
  return {
    messages: page.map(rowToMessage),
    next: found.length > input.limit ? integer(page.at(-1)?.position) : null,
  };
});

/** Blobs asked for in one statement: one by one they would take most of the time a long conversation takes to load. */
const BLOBS_PER_QUERY = 100;

function* withParts(page: readonly Row[]): Command<readonly Row[]> {
  const hashes = page.flatMap(({ parts }) => blobHashOf(parts) ?? []);
  const contents = new Map<string, string>();
  for (let at = 0; at < hashes.length; at += BLOBS_PER_QUERY) {
    const some = hashes.slice(at, at + BLOBS_PER_QUERY);
    const sql = `select hash, content from blobs where ${oneOf("hash", some)}`;
    for (const blob of yield* rows(sql, ...some)) contents.set(text(blob.hash), text(blob.content));
  }
  const loaded: Row[] = [];
  for (const row of page) {
    const content = contents.get(blobHashOf(row.parts) ?? "");
    // One that is missing is asked for by itself, which says what is damaged.
    loaded.push(content === undefined ? yield* withValues(row, ["parts"]) : { ...row, parts: content });
  }
  return loaded;
}

export const getMessageTotals = defineRead(
  "get-message-totals",
  function* (context, input: { readonly sessionId: SessionId }): Command<MessageTotals> {
    return yield* messageTotals(context, input.sessionId);
  },
);

export function* messageTotals(context: CommandContext, sessionId: SessionId): Command<MessageTotals> {
  const sql =
    "select count(*) as n, coalesce(sum(token_count), 0) as tokens from messages where project_id = ? and session_id = ?";
  const row = yield* oneRow(sql, context.projectId, sessionId);
  return { count: integer(row?.n), tokenCount: integer(row?.tokens) };
}
