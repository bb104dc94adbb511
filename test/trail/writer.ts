/** A process that works in a project until it is killed: `writer.ts PROJECT NAME`. Says `ready` once its first task is there. */

import { writeSync } from "node:fs";

import { openPerdure } from "../../src/index.ts";

const [project = "", name = ""] = process.argv.slice(2);
const perdure = await openPerdure({ project, durability: "normal" });
for (let count = 1; ; count++) {
  // Each session is over soon, so that histories are written too.
  const session = await perdure.sessions.create({ name: `${name}-${count}` });
  const size = count % 40 === 0 ? 80_000 : count % 7 === 0 ? 3_000 : 10;
  const input = { text: "x".repeat(size) };
  await perdure.tasks.create({ title: `${name} ${count}`, executor: "manual", input, session: session.id });
  if (count % 3 === 0) await perdure.sessions.cancel(session.id);
  if (count === 1) writeSync(1, "ready\n");
  await new Promise((resolve) => setTimeout(resolve, count % 3));
}
