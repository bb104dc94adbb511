/** Messages: positions without gaps whoever appends, pages from either end, limits that lose nothing. */

import { describe, expect, it } from "vitest";

import { LIMITS } from "../../domain/limits.ts";
import { asId } from "../../domain/ids.ts";
import type { SessionId } from "../../domain/ids.ts";
import type { Message } from "../../domain/message.ts";
import type { MessagePage, NewMessage } from "../../store/commands/messages.ts";
import { appendMessages, getMessageTotals, listMessages } from "../../store/commands/messages.ts";
import { cancelSession, createSession } from "../../store/commands/sessions.ts";
import { defineWrite } from "../../store/command.ts";
import type { Command } from "../../store/command.ts";
import { rebuildFromChanges } from "../../store/rebuild.ts";
import { insertRow } from "../../store/rows.ts";
import { MESSAGES } from "../../store/tables.ts";
import { aSession } from "../builders.ts";
import { dumpTables, withoutCoordination } from "../table-dump.ts";
import type { Bench, Suite } from "./bench.ts";
import { expectRefused } from "./bench.ts";
import { readLog } from "./log-suite.ts";

export function aMessage(text: string, sketch: Partial<NewMessage> = {}): NewMessage {
  return { role: "user", parts: [{ type: "text", text }], tokenCount: 1, ...sketch };
}

export function messagesSuite(suite: Suite): void {
  describe("appendMessages", () => {
    it("gives positions from 0 in order, and keeps parts as they are", async () => {
      const bench = await suite.open();
      const parts = [
        { type: "text", text: "a\u0000b\n\u{1F600}" },
        { type: "tool-call", input: { n: 1.5, none: null } },
        "x",
      ];
      await append(
        bench,
        aMessage("hello"),
        aMessage("large", { role: "tool", parts: [{ text: "é".repeat(300_000) }] }),
      );
      const [third] = await append(bench, { role: "assistant", parts, tokenCount: 7 });
      expect(third).toMatchObject({ position: 2, role: "assistant", parts, tokenCount: 7 });
      const all = await readAll(bench);
      expect(all.map(({ position, role }) => [position, role])).toEqual([
        [0, "user"],
        [1, "tool"],
        [2, "assistant"],
      ]);
      expect(all[1]?.parts).toEqual([{ text: "é".repeat(300_000) }]);
      expect(all[2]?.parts).toEqual(parts);
      expect(await totals(bench)).toEqual({ count: 3, tokenCount: 9 });
    });

    it("appends all of a batch or none", async () => {
      const bench = await suite.open();
      await append(bench, aMessage("first"));
      const tooLarge = aMessage("x".repeat(LIMITS.messageBytes));
      await expectRefused(bench, "limit-reached", () => append(bench, aMessage("fine"), tooLarge));
      expect(await totals(bench)).toEqual({ count: 1, tokenCount: 1 });
    });

    it("takes a message of exactly the greatest size", async () => {
      const bench = await suite.open();
      const text = "x".repeat(LIMITS.messageBytes - JSON.stringify([{ type: "text", text: "" }]).length);
      await append(bench, aMessage(text));
      await expectRefused(bench, "limit-reached", () => append(bench, aMessage(`${text}x`)));
      expect((await readAll(bench))[0]?.parts).toEqual([{ type: "text", text }]);
    });

    it("takes as many as a session may hold, and refuses one more whole", async () => {
      const bench = await suite.open();
      const last = { session_id: bench.session.id, position: LIMITS.messagesPerSession - 2 };
      await bench.store.execute(insertForTest, last);
      await expectRefused(bench, "limit-reached", () => append(bench, aMessage("a"), aMessage("b")));
      await append(bench, aMessage("a"));
      await expectRefused(bench, "limit-reached", () => append(bench, aMessage("b")));
    });

    it("is refused for a cancelled session and for one that there is not", async () => {
      const bench = await suite.open();
      await expectRefused(bench, "not-found", () =>
        bench.store.execute(appendMessages, { sessionId: asId<SessionId>("nobody"), messages: [aMessage("a")] }),
      );
      await bench.store.execute(cancelSession, { sessionId: bench.session.id });
      await expectRefused(bench, "wrong-state", () => append(bench, aMessage("a")));
    });

    it("leaves no gap and no duplicate when many append at once", async () => {
      const bench = await suite.open();
      await Promise.all(
        Array.from({ length: 40 }, (_, n) =>
          append(bench, ...Array.from({ length: (n % 3) + 1 }, () => aMessage(`${n}`))),
        ),
      );
      await expectGapless(bench);
    });

    suite.itWithSecond("leaves no gap and no duplicate when two connections append at once", async () => {
      const bench = await suite.open();
      const second = await bench.second();
      await Promise.all(Array.from({ length: 60 }, (_, n) => append(n % 2 === 0 ? bench : second, aMessage(`${n}`))));
      await expectGapless(bench);
    });

    it("is brought back by the change log alone", async () => {
      const bench = await suite.open();
      await append(bench, aMessage("short"), aMessage("long".repeat(200)));
      const rebuilt = await suite.openEmpty();
      await rebuilt.execute(rebuildFromChanges, { changes: await readLog(bench.store) });
      expect(withoutCoordination(await dumpTables(rebuilt))).toEqual(
        withoutCoordination(await dumpTables(bench.store)),
      );
    });
  });

  describe("listMessages", () => {
    it("gives every message once, from either end, whatever the page", async () => {
      const bench = await suite.open();
      await append(bench, ...Array.from({ length: 23 }, (_, n) => aMessage(`${n} ${"x".repeat(n * 40)}`)));
      for (const limit of [1, 5, 22, 23, 24]) {
        const up = await readAll(bench, { limit, order: "oldest" });
        expect(up.map(({ position }) => position)).toEqual(Array.from({ length: 23 }, (_, n) => n));
        expect(await readAll(bench, { limit, order: "newest" })).toEqual(up.toReversed());
      }
    });

    it("gives none of another session, and an empty page of an empty one", async () => {
      const bench = await suite.open();
      await append(bench, aMessage("mine"));
      const other = await bench.store.execute(createSession, aSession({ name: "other" }));
      const page = await bench.store.execute(listMessages, {
        sessionId: other.id,
        order: "newest",
        from: null,
        limit: 10,
      });
      expect(page).toEqual({ messages: [], next: null });
    });
  });
}

/** As if all before it had been appended, which would take a minute. */
const insertForTest = defineWrite(
  "insert-for-test",
  function* (context, key: { readonly session_id: SessionId; readonly position: number }): Command<void> {
    const values = { ...key, role: "user", parts: "[]", token_count: 0, created_at: context.now };
    yield* insertRow(context, MESSAGES, values, { verb: "append" });
  },
);

function append(bench: Bench, ...messages: readonly NewMessage[]): Promise<readonly Message[]> {
  return bench.store.execute(appendMessages, { sessionId: bench.session.id, messages });
}

function totals(bench: Bench): Promise<{ readonly count: number; readonly tokenCount: number }> {
  return bench.store.execute(getMessageTotals, { sessionId: bench.session.id });
}

async function readAll(
  bench: Bench,
  { limit = 100, order = "oldest" }: { readonly limit?: number; readonly order?: "oldest" | "newest" } = {},
): Promise<readonly Message[]> {
  const all: Message[] = [];
  let from: number | null = null;
  do {
    const page: MessagePage = await bench.store.execute(listMessages, {
      sessionId: bench.session.id,
      order,
      from,
      limit,
    });
    all.push(...page.messages);
    from = page.next;
  } while (from !== null);
  return all;
}

async function expectGapless(bench: Bench): Promise<void> {
  const positions = (await readAll(bench)).map(({ position }) => position);
  expect(positions).toEqual(Array.from({ length: positions.length }, (_, n) => n));
  expect((await totals(bench)).count).toBe(positions.length);
}
