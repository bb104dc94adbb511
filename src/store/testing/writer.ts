/**
 * A process that writes until it is killed or cannot any more: `writer.ts PLACE SESSION PREFIX [SIZE]`. Prints the key of
 * every task whose creation was acknowledged, one a line, at once; at the end, if it comes to one, `error CODE`.
 */

import { writeSync } from "node:fs";

import { isPerdureError, messageOf } from "../../base/errors.ts";
import { asId } from "../../domain/ids.ts";
import type { SessionId } from "../../domain/ids.ts";
import { aTask } from "../../testing/builders.ts";
import { createTasks } from "../commands/create-tasks.ts";
import { countTasksOf } from "./count-tasks.ts";
import { openPlaceForTest } from "./open-for-test.ts";

const [path = "", session = "", prefix = "", size = "0"] = process.argv.slice(2);
const store = await openPlaceForTest(path);
const IN_FLIGHT = 5;
let count = 0;

async function writeOn(): Promise<void> {
  for (;;) {
    count += 1;
    const ref = `${prefix}-${count}`;
    const tasks = [aTask({ ref, input: "x".repeat(Number(size)) })];
    await store.execute(createTasks, { sessionId: asId<SessionId>(session), tasks });
    writeSync(1, `${ref}\n`);
  }
}

const results = await Promise.allSettled(Array.from({ length: IN_FLIGHT }, writeOn));
for (const result of results) {
  if (result.status === "rejected") {
    const { reason } = result;
    writeSync(1, `error ${isPerdureError(reason) ? reason.code : messageOf(reason)}\n`);
  }
}
// The store still answers, whatever became of the writes.
writeSync(1, `count ${await store.execute(countTasksOf, null)}\n`);
await store.close();
