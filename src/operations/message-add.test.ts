import { describe, expect, it } from "vitest";

import type { MessageContent } from "./message-add.ts";
import { addMessages } from "./message-add.ts";
import { createSession } from "../store/commands/sessions.ts";
import { getMessageTotals } from "../store/commands/messages.ts";
import { aSession } from "../testing/builders.ts";
import { aProject } from "./testing/project.ts";

const OTHERS: readonly object[] = [
  { role: "user", parts: [{ type: "text", text: "hello" }] },
  { role: "user", content: 1 },
  { role: "nobody", content: "hello" },
  { content: "hello" },
];

describe("addMessages", () => {
  it.each(OTHERS)("refuses what is no message, naming which, and appends none: %j", async (other) => {
    const project = aProject();
    const { id: sessionId } = await project.store.execute(createSession, aSession());
    const messages = [{ role: "user", content: "first" }, other] as readonly MessageContent[];
    await expect(addMessages(project, sessionId, messages)).rejects.toMatchObject({
      code: "invalid-input",
      message: expect.stringContaining("message 1"),
    });
    await expect(project.store.execute(getMessageTotals, { sessionId })).resolves.toMatchObject({ count: 0 });
  });
});
