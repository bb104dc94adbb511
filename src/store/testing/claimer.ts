/** A process that claims and completes tasks until none is left: `claimer.ts PLACE WORKER START_AT`. Prints what it got. */

import { asId } from "../../domain/ids.ts";
import type { WorkerId } from "../../domain/ids.ts";
import { claimTasks } from "../commands/claims.ts";
import { completeExecution } from "../commands/executions.ts";
import { openPlaceForTest } from "./open-for-test.ts";

const [path = "", worker = "", startAt = "0"] = process.argv.slice(2);
const store = await openPlaceForTest(path);
const claim = { workerId: asId<WorkerId>(worker), executors: ["function"], sessionId: null, limit: 1 };
await new Promise((resolve) => setTimeout(resolve, Number(startAt) - Date.now()));

const titles: string[] = [];
for (;;) {
  const { claimed } = await store.execute(claimTasks, claim);
  const [first] = claimed;
  if (first === undefined) break;
  titles.push(first.task.title);
  const hold = { executionId: first.execution.id, fence: first.execution.fence };
  await store.execute(completeExecution, { hold, result: worker, next: null });
}
await store.close();
process.stdout.write(JSON.stringify(titles));
