/** The instructions that teach an agent how work goes with Perdure. */

import type { SettingsFile } from "./settings-file.ts";

export const SKILL = `---
name: perdure
description: Durable work on this project. Use it for any work of more than a few steps, to continue earlier work, to plan, and to record decisions; progress survives crashes, restarts and full context windows.
---

# Working with Perdure

Perdure records tasks, progress, evidence and decisions. What it has acknowledged is durable. Its tools come from the MCP server \`perdure\`.

The loop:

1. **Brief.** Call \`get_brief\` first, and again whenever your context was cut. It tells what is done, what is next and why.
2. **Next.** Call \`next_task\`: it gives you the most urgent ready task and claims it for you.
3. **Work.** Do that task and nothing else. Report with \`update_task\` (\`progress\`, percent, message) at each milestone: it keeps your claim.
4. **Report with evidence.** \`update_task\` (\`complete\`) with what shows that it is done: the test that passed, the file, the commit. If it cannot be done: \`fail\` with the reason, \`block\` when someone has to act, \`release\` to give it back.
5. **Remember.** \`remember\` each decision, constraint, pattern or finding that later work must know, one sentence each. \`recall\` before you decide something anew.
6. **Checkpoint.** \`create_checkpoint\` before something risky and when a part is done. Then go on with 2.

For new work: \`submit_plan\` with small tasks, each with what it needs before it and how it is shown to be done; \`create_background_task\` for a single one, on a schedule or for a worker.

Never redo what is completed. When a tool answers with an error, it says what to do next.
`;

/** Taken out again only as it was written. */
export function skillFile(path: string): SettingsFile {
  return {
    path,
    add: (text) => text ?? SKILL,
    remove: (text) => (text === SKILL ? null : text),
  };
}
