/** A process that prints the time whenever it hears of a commit: `listener.ts PLACE`. */

import { writeSync } from "node:fs";

import { openPlaceForTest } from "./open-for-test.ts";

const store = await openPlaceForTest(process.argv[2] ?? "");
store.onCommit(() => writeSync(1, `${Date.now()}\n`));
writeSync(1, "ready\n");
setInterval(() => {}, 2 ** 30);
